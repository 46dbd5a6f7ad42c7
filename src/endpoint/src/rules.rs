//! A registry's alerts and rollbacks, held to what was counted: the same on every host.

use monitor::drift::{Recipe, Report, Slices, Window};
use monitor::{AlertMetric, AlertRule, AlertState, Comparison, Filter, Point, Record, RollbackRule, series};
use registry::{Change, Name, Reference, Registry};
use serde::Serialize;

use crate::{Past, Service};

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
pub fn alerts(service: &Service, past: &dyn Past) -> Vec<AlertStatus> {
    let minutes = past.minutes();
    let slices = watches_drift(service.registry()).then(|| past.slices());
    let now = past.now_ms() / 60_000;
    let status = |(alert, it): (&Name, &registry::Alert)| {
        let rule: AlertRule = serde_json::from_value(it.rule.clone()).ok()?;
        let from = now.saturating_sub(N_MINUTES).max(it.since / 60_000);
        let values = match (rule.metric.is_drift(), &slices) {
            (true, Some(slices)) => drift_values(&rule, service, slices, from, now),
            (true, None) | (false, _) => {
                let to = match rule.comparison {
                    Comparison::Above => now + 1,
                    Comparison::Below => now,
                };
                let points = points(&minutes, &rule.filter, from, to);
                points.iter().map(|point| (point.minute, 1, rule.metric.of(point))).collect()
            }
        };
        let value = values.last().and_then(|(.., value)| *value);
        let state = rule.after_each(values).last().copied().unwrap_or_default();
        Some(AlertStatus { alert: alert.clone(), rule, state, value })
    };
    service.registry().alerts.iter().filter_map(status).collect()
}

/// Whether any alert looks at rows.
pub fn watches_drift(registry: &Registry) -> bool {
    let rules = registry.alerts.values().map(|alert| serde_json::from_value::<AlertRule>(alert.rule.clone()));
    rules.flatten().any(|rule| rule.metric.is_drift())
}

/// At the end of each slice since a minute, and now: by how much the rows of the hour before differ from those of training.
/// Where several deployments are looked at, it is that of the one which differs most.
fn drift_values(
    rule: &AlertRule,
    service: &Service,
    slices: &Slices,
    since: u64,
    now: u64,
) -> Vec<(u64, u64, Option<f64>)> {
    const WINDOW: u64 = 60;
    let stretches: Vec<(u64, u64)> =
        slices.stretches().into_iter().filter(|(minute, n_minutes)| minute + n_minutes > since).collect();
    let latest = stretches.last().copied();
    let value = |(minute, n_minutes): (u64, u64)| {
        let end = minute + n_minutes;
        let spans = slices.ending_in(end.saturating_sub(WINDOW) + 1..=end);
        let drifts =
            spans.iter().filter(|((served, _), _)| rule.filter.takes(served)).filter_map(|((_, package), span)| {
                let reference = &service.scorers().get(package)?.header.reference;
                drift_of(rule, reference, &span.slice.window, latest != Some((minute, n_minutes)))
            });
        (minute, n_minutes.min((now + 1).saturating_sub(minute)), drifts.reduce(f64::max))
    };
    stretches.into_iter().map(value).collect()
}

/// What a rule looks at in a window; none if there are too few rows. Whether a difference may be chance takes long to say,
/// so of what is over it is said only where the rest is bad.
fn drift_of(rule: &AlertRule, reference: &Reference, window: &Window, is_over: bool) -> Option<f64> {
    let is_meant = |column: &str| rule.column.as_ref().is_none_or(|meant| meant == column);
    let is_prediction = rule.metric == AlertMetric::PredictionDrift;
    if is_over {
        let inputs = reference.inputs.iter().zip(&window.inputs).filter(|_| !is_prediction);
        let prediction = reference.prediction.iter().zip(&window.prediction).filter(|_| is_prediction);
        let columns = inputs.filter(|(reference, _)| is_meant(&reference.name)).chain(prediction);
        let most = columns.filter_map(|(reference, window)| window.psi(reference)).reduce(f64::max)?;
        if !rule.is_bad(most) {
            return Some(most);
        }
    }
    let report = Report::of(reference, window, Recipe::default());
    let inputs = report.inputs.iter().filter(|column| !is_prediction && is_meant(&column.name));
    let columns = inputs.chain(report.prediction.iter().filter(|_| is_prediction));
    columns.filter_map(|column| Some(column.scores.as_ref()?.drift())).reduce(f64::max)
}

/// The changes that take traffic back from deployments that are worse than those before them. What was counted before a
/// deployment had its present traffic says nothing: whoever gives it some again has a reason.
pub fn rollbacks(minutes: &[Record], registry: &Registry, now_ms: u64) -> Vec<Change> {
    let now = now_ms / 60_000;
    let change = |(name, endpoint): (&Name, &registry::Endpoint)| {
        let rule: RollbackRule = serde_json::from_value(endpoint.rollback.clone()?).ok()?;
        let (blue, green) = RollbackRule::pair(endpoint)?;
        let live = endpoint.live.get(green)?;
        // Of the minute in which it was given traffic again, a part is of what it had before.
        let from = live.since.max(endpoint.deployments.get(green)?.since) / 60_000 + u64::from(live.is_again);
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
        Change::AlertSet { rule, .. } => match serde_json::from_value::<AlertRule>(rule.clone()) {
            Ok(rule) => return rule.check().map_err(|why| format!("the alert cannot be: {why}")),
            Err(why) => Err(why),
        },
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

#[cfg(test)]
mod tests {
    use monitor::{Histogram, Minute, MinuteKey, Served};
    use registry::{Event, Hash, Log};
    use serde_json::json;

    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    fn traffic(green: u8) -> Change {
        let traffic = [(name("blue"), 100 - green), (name("green"), green)].into();
        Change::TrafficSet { endpoint: name("churn"), traffic, reason: String::new() }
    }

    /// Two deployments, of which the latter fails in every minute since it was deployed.
    fn failing(changes: &[(u64, Change)]) -> (Registry, Vec<Record>) {
        let mut log = Log::default();
        let (churn, rule) = (name("churn"), json!(RollbackRule { n_windows: 1, ..RollbackRule::default() }));
        let mut all = Vec::new();
        for (version, deployment) in [(1, "blue"), (2, "green")] {
            let package = Hash::of(deployment.as_bytes());
            all.push((0, Change::Registered { model: churn.clone(), version, package }));
            let deployment = name(deployment);
            all.push((0, Change::Deployed { endpoint: churn.clone(), deployment, model: churn.clone(), version }));
        }
        all.push((0, Change::RollbackSet { endpoint: churn.clone(), rule: Some(rule) }));
        all.extend(changes.iter().cloned());
        for (at, change) in all {
            log.record(Event { at, who: "ada".into(), change }).expect("it fits");
        }
        let counted = |(minute, version, deployment, status): (u64, u32, &str, u16)| {
            let served = Served {
                endpoint: Some(churn.clone()),
                deployment: Some(name(deployment)),
                version,
                ..Served::default()
            };
            let mut times = Histogram::default();
            (0..100).for_each(|_| times.observe(0.001));
            let counts = Minute { durations: [(status, times)].into(), ..Minute::default() };
            Record { key: MinuteKey { minute, served }, counts }
        };
        let minutes = (0..3).flat_map(|minute| [(minute, 1, "blue", 200), (minute, 2, "green", 500)]).map(counted);
        (log.registry().clone(), minutes.collect())
    }

    #[test]
    fn traffic_that_is_given_again_is_not_taken_back_for_minutes_before() {
        let n_changes = |changes: &[(u64, Change)], now_ms| {
            let (registry, minutes) = failing(changes);
            rollbacks(&minutes, &registry, now_ms).len()
        };
        // Given in the minute 0, it fails from its first second on.
        assert_eq!(n_changes(&[(10_000, traffic(10))], 50_000), 1);
        let again = [(10_000, traffic(10)), (20_000, traffic(0)), (70_000, traffic(10))];
        assert_eq!(n_changes(&again[..2], 50_000), 0, "it has no traffic");
        assert_eq!(n_changes(&again, 80_000), 0, "its failures are of before");
        assert_eq!(n_changes(&again, 119_999), 0, "so may be those of this minute");
        assert_eq!(n_changes(&again, 130_000), 1, "it still fails");
    }
}
