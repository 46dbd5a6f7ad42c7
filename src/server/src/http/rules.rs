//! Alerts are looked at and told, and traffic goes back from what is worse.

use std::collections::BTreeMap;
use std::time::Duration;

use endpoint::{AlertStatus, Past, alerts, rollbacks};
use monitor::AlertState;
use registry::Name;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::client::{Target, post};
use crate::folder::now_ms;
use crate::state::State;

/// How alerts stood when they were looked at last.
#[derive(Default)]
pub(super) struct Rules {
    before: BTreeMap<Name, AlertState>,
    told: Option<UnboundedSender<Json>>,
}

impl Rules {
    /// Posts what happens to an address, if there is one.
    pub fn new(webhook: Option<Target>) -> Self {
        let told = webhook.map(|target| {
            let (sender, receiver) = unbounded_channel();
            tokio::spawn(tell(target, receiver));
            sender
        });
        Self { before: BTreeMap::new(), told }
    }

    /// Looks at everything.
    pub fn look(&mut self, state: &State) {
        let service = state.service();
        let registry = service.registry();
        let has_rollback = registry.endpoints.values().any(|endpoint| endpoint.rollback.is_some());
        if registry.alerts.is_empty() && !has_rollback {
            return;
        }
        let (minutes, now) = (Past::minutes(state), now_ms());
        for status in alerts(&service, state) {
            let before = self.before.insert(status.alert.clone(), status.state).unwrap_or_default();
            if is_worth_telling(before, status.state) {
                self.tell(alert_json(&status, now));
            }
        }
        for change in rollbacks(&minutes, registry, now) {
            let told = json!({ "source": "millrace", "at_ms": now, "change": change });
            match state.change("rule", vec![change]) {
                Ok(()) => self.tell(told),
                Err(error) => eprintln!("warning: traffic could not be taken back: {error:#}"),
            }
        }
    }

    fn tell(&self, what: Json) {
        if let Some(told) = &self.told {
            // It ends with the server alone.
            let _ = told.send(what);
        }
    }
}

/// Posts one thing after the other: whoever is told that something is over was told before that it began.
async fn tell(target: Target, mut told: UnboundedReceiver<Json>) {
    const TRIES: u64 = 3;
    while let Some(what) = told.recv().await {
        for at in 1..=TRIES {
            match post(&target, what.to_string()).await {
                Ok(()) => break,
                Err(_) if at < TRIES => tokio::time::sleep(Duration::from_secs(at)).await,
                Err(error) => eprintln!("warning: nobody was told: {error:#}"),
            }
        }
    }
}

/// That something begins to fire, and that it is over. Since when it fires moves on with what is looked at, where that is
/// longer ago.
fn is_worth_telling(before: AlertState, after: AlertState) -> bool {
    let is_firing = |state| matches!(state, AlertState::Firing { .. });
    match after {
        AlertState::Firing { .. } => !is_firing(before),
        AlertState::Resolved { .. } => is_firing(before),
        AlertState::Inactive | AlertState::Pending { .. } => false,
    }
}

fn alert_json(status: &AlertStatus, now: u64) -> Json {
    let mut json = json!(status);
    json["source"] = "millrace".into();
    json["at_ms"] = now.into();
    json
}
