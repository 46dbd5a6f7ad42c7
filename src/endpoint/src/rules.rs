//! A registry's alerts and rollbacks, held to what was counted: the same on every host.

use monitor::{AlertRule, AlertState, Comparison, Filter, Point, Record, RollbackRule, series};
use registry::{Change, Name, Registry};
use serde::Serialize;

/// How far back a host looks, in minutes: six hours.
const N_MINUTES: u64 = 360;

/// How an alert stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertStatus {
    /// What it is called.
    pub alert: Name,
    /// Its condition.
    pub rule: AlertRule,
    /// How it stands.
    pub state: AlertState,
    /// What it looks at, in the latest minute that counts.
    pub value: Option<f64>,
}

/// How all alerts stand. What is too much already in the minute under way is told at once; what is too little, only when
/// the minute is over.
pub fn alerts(minutes: &[Record], registry: &Registry, now_ms: u64) -> Vec<AlertStatus> {
    let now = now_ms / 60_000;
    let status = |(alert, it): (&Name, &registry::Alert)| {
        let rule: AlertRule = serde_json::from_value(it.rule.clone()).ok()?;
        let to = match rule.comparison {
            Comparison::Above => now + 1,
            Comparison::Below => now,
        };
        let from = now.saturating_sub(N_MINUTES).max(it.since / 60_000);
        let points = points(minutes, &rule.filter, from, to);
        let state = rule.states(&points, 1).last().copied().unwrap_or_default();
        let value = points.last().and_then(|point| rule.metric.of(point));
        Some(AlertStatus { alert: alert.clone(), rule, state, value })
    };
    registry.alerts.iter().filter_map(status).collect()
}

/// The changes that take traffic back from deployments that are worse than those before them.
pub fn rollbacks(minutes: &[Record], registry: &Registry, now_ms: u64) -> Vec<Change> {
    let now = now_ms / 60_000;
    let change = |(name, endpoint): (&Name, &registry::Endpoint)| {
        let rule: RollbackRule = serde_json::from_value(endpoint.rollback.clone()?).ok()?;
        let (blue, green) = RollbackRule::pair(endpoint)?;
        let from = endpoint.deployments.get(green)?.since / 60_000;
        let counted = |deployment: &Name| {
            let version = endpoint.deployments.get(deployment).map(|it| it.version);
            let deployment = Some(deployment.clone());
            let filter = Filter { endpoint: Some(name.clone()), deployment, version, ..Filter::default() };
            points(minutes, &filter, from.max(now.saturating_sub(N_MINUTES)), now + 1)
        };
        rule.decide((name, endpoint), (blue, &counted(blue)), (green, &counted(green)))
    };
    registry.endpoints.iter().filter_map(change).collect()
}

/// Whether the conditions of a change can be read, which the registry does not look into.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn check(change: &Change) -> Result<(), String> {
    let read = match change {
        Change::AlertSet { rule, .. } => serde_json::from_value::<AlertRule>(rule.clone()).map(|_| ()),
        Change::RollbackSet { rule: Some(rule), .. } => {
            serde_json::from_value::<RollbackRule>(rule.clone()).map(|_| ())
        }
        _ => Ok(()),
    };
    read.map_err(|why| {
        let kind = serde_json::to_value(change).map(|json| json["type"].clone()).unwrap_or_default();
        format!("the condition of {kind} cannot be read: {why}")
    })
}

fn points(minutes: &[Record], filter: &Filter, from: u64, to: u64) -> Vec<Point> {
    series(minutes.iter().map(|record| (&record.key, &record.counts)), filter, from, to, 1)
}
