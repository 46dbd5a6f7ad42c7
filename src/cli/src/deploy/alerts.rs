//! `millrace alerts`: when somebody is to be told, and when traffic goes back by itself.

use std::collections::BTreeMap;

use ::registry::{Change, Name, Registry};
use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use monitor::{AlertMetric, AlertRule, Comparison, Filter, RollbackRule, Severity};
use serde_json::{Value as Json, json};

use super::{Where, name, one_of, word};
use crate::{Outcome, say};

/// What `alerts` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// List the alerts and rollbacks
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Set an alert, in place of one of the same name
    Set(SetArguments),
    /// Take an alert away
    Remove {
        /// Its name
        alert: String,
    },
    /// Let traffic go back by itself when a new deployment is worse than the one before it
    Rollback(RollbackArguments),
}

#[derive(clap::Args)]
struct SetArguments {
    /// What it is called
    alert: String,
    /// What is looked at; times are in seconds, rates per second. Drift is of the last hour, of at least 200 rows: the
    /// population stability index over deciles (0.1 is worth a look, 0.25 is drift), where Kolmogorov-Smirnov or
    /// chi-squared, corrected for all columns, says that it is no chance
    #[arg(long, value_parser = one_of(AlertMetric::ALL))]
    metric: AlertMetric,
    /// Only this column's data drift [default: the column that drifts most]
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
    /// It is bad above this
    #[arg(long, value_name = "VALUE", required_unless_present = "below", conflicts_with = "below")]
    above: Option<f64>,
    /// It is bad below this
    #[arg(long, value_name = "VALUE")]
    below: Option<f64>,
    /// For so many minutes on end it must be bad
    #[arg(long = "for", value_name = "MINUTES", default_value_t = 1)]
    for_minutes: u64,
    /// How bad that is
    #[arg(long, value_parser = one_of(Severity::ALL), default_value = "warning")]
    severity: Severity,
    /// Only of this endpoint
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// Only of this deployment
    #[arg(long, value_name = "NAME")]
    deployment: Option<String>,
}

#[derive(clap::Args)]
struct RollbackArguments {
    /// The endpoint
    endpoint: String,
    /// By how much the share of failed requests may be larger than the old deployment's
    #[arg(long, value_name = "SHARE", default_value_t = RollbackRule::default().max_more_failures)]
    more_failures: f64,
    /// How many times as long p95 may be
    #[arg(long, value_name = "TIMES", default_value_t = RollbackRule::default().max_times_p95)]
    times_p95: f64,
    /// For so many minutes on end it must be worse
    #[arg(long = "for", value_name = "MINUTES", default_value_t = RollbackRule::default().n_windows)]
    for_minutes: usize,
    /// A minute in which either has fewer requests says nothing
    #[arg(long, value_name = "N", default_value_t = RollbackRule::default().min_requests)]
    min_requests: u64,
    /// Let traffic be moved by hand alone
    #[arg(long)]
    off: bool,
}

/// Lists or changes alerts and rollbacks.
pub fn alerts(arguments: &Arguments) -> Result<Outcome> {
    let change = match arguments.verb.as_ref().unwrap_or(&Verb::List { json: false }) {
        Verb::List { json } => {
            list(arguments.place.folder().log()?.registry(), *json)?;
            return Ok(Outcome::Good);
        }
        Verb::Set(set) => Change::AlertSet { alert: name(&set.alert)?, rule: json!(rule(set)?) },
        Verb::Remove { alert } => Change::AlertRemoved { alert: name(alert)? },
        Verb::Rollback(asked) => {
            if asked.for_minutes == 0 {
                bail!("--for must be at least 1");
            }
            let rule = RollbackRule {
                max_more_failures: asked.more_failures,
                max_times_p95: asked.times_p95,
                n_windows: asked.for_minutes,
                min_requests: asked.min_requests,
            };
            Change::RollbackSet { endpoint: name(&asked.endpoint)?, rule: (!asked.off).then(|| json!(rule)) }
        }
    };
    arguments.place.change(change)?;
    Ok(Outcome::Good)
}

fn rule(asked: &SetArguments) -> Result<AlertRule> {
    let (comparison, threshold) = match (asked.above, asked.below) {
        (Some(above), _) => (Comparison::Above, above),
        (None, below) => (Comparison::Below, below.context("--above or --below is missing")?),
    };
    let filter = Filter {
        endpoint: asked.endpoint.as_deref().map(name).transpose()?,
        deployment: asked.deployment.as_deref().map(name).transpose()?,
        ..Filter::default()
    };
    let rule = AlertRule {
        name: asked.alert.clone(),
        filter,
        metric: asked.metric,
        column: asked.column.clone(),
        comparison,
        threshold,
        for_minutes: asked.for_minutes,
        severity: asked.severity,
    };
    rule.check().map_err(|why| anyhow!("{why}\n  help: `millrace alerts set --help` says what there is"))?;
    Ok(rule)
}

fn list(registry: &Registry, as_json: bool) -> Result<()> {
    let rollbacks = registry.endpoints.iter().filter_map(|(name, it)| Some((name, it.rollback.as_ref()?)));
    let rollbacks: BTreeMap<&Name, &Json> = rollbacks.collect();
    if as_json {
        return say::out(&format!("{:#}\n", json!({ "alerts": registry.alerts, "rollbacks": rollbacks })));
    }
    let mut text = String::new();
    for (name, alert) in &registry.alerts {
        let rule: AlertRule =
            serde_json::from_value(alert.rule.clone()).with_context(|| format!("the alert {name}"))?;
        text.push_str(&format!("{name}  {}\n", alert_in_words(&rule)));
    }
    for (name, rule) in rollbacks {
        let rule: RollbackRule = serde_json::from_value(rule.clone()).with_context(|| format!("rollback of {name}"))?;
        text.push_str(&format!(
            "rollback of {name}  if for {} min {} more requests fail, or p95 is {} times as long, of at least {} a minute\n",
            rule.n_windows, rule.max_more_failures, rule.max_times_p95, rule.min_requests
        ));
    }
    say::out(&text)
}

fn alert_in_words(rule: &AlertRule) -> String {
    let Filter { endpoint, deployment, .. } = &rule.filter;
    let column: String = rule.column.iter().map(|column| format!(" of the column {column}")).collect();
    let of: String = [endpoint, deployment].into_iter().flatten().map(|name| format!(" of {name}")).collect();
    format!(
        "{}{column}{of} {} {} for {} min  {}",
        word(rule.metric),
        word(rule.comparison),
        rule.threshold,
        rule.for_minutes,
        word(rule.severity)
    )
}
