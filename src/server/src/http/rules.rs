//! Alerts are looked at and told, and traffic goes back from what is worse.

use std::collections::BTreeMap;
use std::time::Duration;

use endpoint::{AlertStatus, Past, alerts, rollbacks};
use monitor::AlertState;
use registry::Name;
use serde_json::{Value as Json, json};

use crate::client::{Target, post};
use crate::folder::now_ms;
use crate::state::State;

/// How alerts stood when they were looked at last.
#[derive(Default)]
pub(super) struct Rules {
    before: BTreeMap<Name, AlertState>,
    webhook: Option<Target>,
}

impl Rules {
    /// Posts what happens to an address, if there is one.
    pub fn new(webhook: Option<Target>) -> Self {
        Self { before: BTreeMap::new(), webhook }
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
        for status in alerts(&minutes, registry, now) {
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
        let Some(target) = self.webhook.clone() else { return };
        tokio::spawn(async move {
            const TRIES: u64 = 3;
            for at in 1..=TRIES {
                match post(&target, what.to_string()).await {
                    Ok(()) => return,
                    Err(_) if at < TRIES => tokio::time::sleep(Duration::from_secs(at)).await,
                    Err(error) => eprintln!("warning: nobody was told: {error:#}"),
                }
            }
        });
    }
}

/// That something begins to fire, and that it is over.
fn is_worth_telling(before: AlertState, after: AlertState) -> bool {
    match (before, after) {
        (AlertState::Firing { since: a }, AlertState::Firing { since: b }) => a != b,
        (_, AlertState::Firing { .. }) | (AlertState::Firing { .. }, AlertState::Resolved { .. }) => true,
        _ => false,
    }
}

fn alert_json(status: &AlertStatus, now: u64) -> Json {
    let mut json = json!(status);
    json["source"] = "millrace".into();
    json["at_ms"] = now.into();
    json
}
