//! Alerts of the registry, held to what was counted: when each fires, minute by minute. Of rows only the host knows enough,
//! so what alerts about drift come to is its word.

use leptos::prelude::*;
use monitor::{AlertMetric, AlertRule, AlertState, Comparison, Filter, series};
use registry::{Change, Name};
use serde::Deserialize;

use super::store::Monitor;
use super::time::Window;

/// Minutes before a window that an alert may have begun in.
const BEFORE: u64 = 60;

/// A rule of the registry.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What it is called.
    pub name: Name,
    /// When.
    pub rule: AlertRule,
    /// The minute since 1970 in which it was set.
    since: u64,
}

/// How an alert stands, as the host says it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Told {
    alert: Name,
    state: AlertState,
}

/// The rules that watch an endpoint. A handle.
#[derive(Clone, Copy)]
pub struct Alerts {
    monitor: Monitor,
    all: Memo<Vec<Alert>>,
}

impl Alerts {
    /// Those of the endpoint that is looked at.
    pub fn of(monitor: Monitor) -> Self {
        let all = Memo::new(move |_| {
            let endpoint = monitor.endpoint();
            monitor.data.with(|data| {
                let read = data.registry.alerts.iter().filter_map(|(name, alert)| {
                    let rule: AlertRule = serde_json::from_value(alert.rule.clone()).ok()?;
                    let is_ours = rule.filter.endpoint.is_none() || rule.filter.endpoint == endpoint;
                    is_ours.then(|| Alert { name: name.clone(), rule, since: alert.since / 60_000 })
                });
                read.collect()
            })
        });
        Self { monitor, all }
    }

    /// Their names.
    pub fn names(self) -> Vec<Name> {
        self.all.with(|all| all.iter().map(|alert| alert.name.clone()).collect())
    }

    /// One of them.
    pub fn named(self, name: &Name) -> Option<Alert> {
        self.all.with(|all| all.iter().find(|alert| alert.name == *name).cloned())
    }

    /// Those that fire.
    pub fn firing(self) -> Vec<Name> {
        let is_firing = |alert: &&Alert| matches!(self.standing(alert), AlertState::Firing { .. });
        self.all.with(|all| all.iter().filter(is_firing).map(|alert| alert.name.clone()).collect())
    }

    /// Sets a rule, new or not.
    pub fn set(self, alert: &Name, rule: &AlertRule) {
        let change = Change::AlertSet { alert: alert.clone(), rule: serde_json::json!(rule) };
        self.monitor.change(vec![change], format!("The alert {alert} is set"));
    }

    /// Takes a rule away.
    pub fn remove(self, alert: &Name) {
        self.monitor.change(vec![Change::AlertRemoved { alert: alert.clone() }], format!("The alert {alert} is gone"));
    }

    /// How a rule stands now.
    pub fn standing(self, alert: &Alert) -> AlertState {
        if alert.rule.metric.is_drift() {
            return self.monitor.data.with(|data| {
                let told = data.alerts.iter().flatten().find(|told| told.alert == alert.name);
                told.map_or(AlertState::Inactive, |told| told.state)
            });
        }
        let minute = self.monitor.data.with(|data| data.asked_ms) / 60_000;
        let window = Window { from: minute.saturating_sub(BEFORE), to: minute + 1, step: 1 };
        self.states(alert, window).last().map_or(AlertState::Inactive, |(_, state)| *state)
    }

    /// For how many milliseconds the alert on failures has been firing, if it is.
    pub fn failures_firing(self) -> Option<u64> {
        match self.standing(&self.on_failures()?) {
            AlertState::Firing { since } => Some(self.monitor.now_ms.get().saturating_sub(since * 60_000)),
            AlertState::Inactive | AlertState::Pending { .. } | AlertState::Resolved { .. } => None,
        }
    }

    /// The threshold that is drawn over failures, and where the rule fires, from 0 to 1.
    pub fn over_failures(self, window: Window) -> Option<(f64, Vec<(f64, f64)>)> {
        let alert = self.on_failures()?;
        let mut stretches: Vec<(f64, f64)> = Vec::new();
        let states = self.states(&alert, window);
        for (minute, _) in states.iter().filter(|(_, state)| matches!(state, AlertState::Firing { .. })) {
            let from = window.at(minute * 60_000).max(0.0);
            let to = window.at((minute + 1) * 60_000).min(1.0);
            match stretches.last_mut().filter(|stretch| (stretch.1 - from).abs() < 1e-9) {
                Some(stretch) => stretch.1 = to,
                None if to > 0.0 => stretches.push((from, to)),
                None => {}
            }
        }
        Some((alert.rule.threshold, stretches))
    }

    fn on_failures(self) -> Option<Alert> {
        self.all.with(|all| {
            let fits =
                |rule: &AlertRule| rule.metric == AlertMetric::FailureRate && rule.comparison == Comparison::Above;
            all.iter().find(|alert| fits(&alert.rule)).cloned()
        })
    }

    /// How a rule stands after each minute of a window.
    fn states(self, Alert { rule, since, .. }: &Alert, window: Window) -> Vec<(u64, AlertState)> {
        let endpoint = self.monitor.endpoint();
        let from = window.from.saturating_sub(BEFORE).max(*since);
        let points = self.monitor.data.with(|data| {
            let this_minute = data.asked_ms / 60_000;
            // What is too much already is told at once; what is too little, only when the minute is over.
            let to = match rule.comparison {
                Comparison::Above => this_minute + 1,
                Comparison::Below => this_minute,
            };
            let filter = Filter { endpoint, ..rule.filter.clone() };
            series(&data.minutes, &filter, from, window.to.min(to), 1)
        });
        let states = rule.states(&points, 1);
        points.iter().map(|point| point.minute).zip(states).collect()
    }
}
