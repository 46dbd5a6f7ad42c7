//! Everything that is wrong with a study, at once.

use std::collections::BTreeSet;

use pipeline::Value;

use crate::space::number;
use crate::{
    Dimension, Distribution, EarlyTermination, Goal, Limits, MAX_TRIALS, Objective, Rule, Sampling, Space, Study,
    multiple,
};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemSeverity {
    /// The sweep cannot start.
    Error,
    /// It can, and does probably not what was meant.
    Warning,
    /// It does what was meant, and other programs may not.
    Note,
}

/// One thing that is wrong with a study, where, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyProblem {
    /// `S001` and so on; stable.
    pub code: &'static str,
    /// How bad.
    pub severity: ProblemSeverity,
    /// The dimension's name, or the part of the study: `objective`, `sampling`, `early_termination`, `limits`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: String,
}

impl Study {
    /// Everything that can be told without a pipeline, in the order of the study's parts. The sweep can start unless
    /// there is an error among it.
    pub fn check(&self) -> Vec<StudyProblem> {
        let mut found = Found::default();
        space(&mut found, &self.space);
        objectives(&mut found, &self.objectives);
        sampling(&mut found, self);
        if let Some(policy) = &self.early_termination {
            early_termination(&mut found, policy, self);
        }
        limits(&mut found, &self.limits);
        found.problems
    }
}

/// Which way a metric of this name is better, where it is a known one: of `evaluate.auc`, what is said of `auc`.
pub fn better_when(metric: &str) -> Option<Goal> {
    const HIGHER: &[&str] = &[
        "accuracy",
        "auc",
        "average_precision",
        "balanced_accuracy",
        "explained_variance",
        "f1",
        "f1_score",
        "f_score",
        "kappa",
        "mcc",
        "norm_macro_recall",
        "precision",
        "r2",
        "r2_score",
        "recall",
        "roc_auc",
        "silhouette",
        "spearman_correlation",
    ];
    const LOWER: &[&str] = &[
        "average_log_loss",
        "brier",
        "error",
        "error_rate",
        "inertia",
        "log_loss",
        "loss",
        "mae",
        "max_error",
        "mean_absolute_error",
        "mean_squared_error",
        "median_absolute_error",
        "mse",
        "rae",
        "relative_absolute_error",
        "relative_squared_error",
        "rmse",
        "root_mean_squared_error",
        "rse",
    ];
    let last = metric.rsplit(['.', '/']).next().unwrap_or(metric);
    let words: String = last.chars().map(|c| if c == '-' || c == ' ' { '_' } else { c.to_ascii_lowercase() }).collect();
    if HIGHER.contains(&words.as_str()) {
        Some(Goal::Maximize)
    } else if LOWER.contains(&words.as_str()) {
        Some(Goal::Minimize)
    } else {
        None
    }
}

#[derive(Default)]
struct Found {
    problems: Vec<StudyProblem>,
}

impl Found {
    fn say(
        &mut self,
        code: &'static str,
        severity: ProblemSeverity,
        place: &str,
        message: String,
        help: impl Into<String>,
    ) {
        self.problems.push(StudyProblem { code, severity, place: place.into(), message, help: help.into() });
    }

    fn error(&mut self, code: &'static str, place: &str, message: impl Into<String>, help: impl Into<String>) {
        self.say(code, ProblemSeverity::Error, place, message.into(), help);
    }

    fn warn(&mut self, code: &'static str, place: &str, message: impl Into<String>, help: impl Into<String>) {
        self.say(code, ProblemSeverity::Warning, place, message.into(), help);
    }

    fn note(&mut self, code: &'static str, place: &str, message: impl Into<String>, help: impl Into<String>) {
        self.say(code, ProblemSeverity::Note, place, message.into(), help);
    }
}

fn space(found: &mut Found, space: &Space) {
    if space.dimensions.is_empty() {
        found.error("S001", "space", "nothing is varied", "choose a parameter of a node and say which values to try");
    }
    let mut names = BTreeSet::new();
    let mut places: Vec<&Dimension> = Vec::new();
    for dimension in &space.dimensions {
        let name = &dimension.name;
        if !names.insert(name) {
            found.error("S002", name, format!("two dimensions are named `{name}`"), "give one of them another name");
        }
        let rival = places.iter().find(|other| other.node == dimension.node && other.param == dimension.param);
        if let Some(rival) = rival.filter(|rival| rival.when.is_none() || dimension.when.is_none()) {
            let message =
                format!("`{}` and `{name}` both set `{}` of node `{}`", rival.name, dimension.param, dimension.node);
            found.error("S002", name, message, "take one away, or let each count under values of a third one");
        }
        places.push(dimension);
        if dimension.same_as.is_none() {
            distribution(found, name, &dimension.distribution);
        }
        links(found, space, dimension);
    }
    let ordered: BTreeSet<&String> = space.in_order().into_iter().map(|dimension| &dimension.name).collect();
    let waits_for_known =
        |dimension: &&Dimension| dimension.waits_for().all(|name| names.iter().any(|known| *known == name));
    let circle: Vec<_> = space
        .dimensions
        .iter()
        .filter(|dimension| !ordered.contains(&dimension.name))
        .filter(waits_for_known)
        .map(|dimension| dimension.name.as_str())
        .collect();
    if let Some(first) = circle.first() {
        let message = format!("the conditions run in a circle: {}", circle.join(", "));
        found.error("S012", first, message, "take one of these conditions away");
    }
}

fn distribution(found: &mut Found, name: &str, distribution: &Distribution) {
    match distribution {
        Distribution::Choice { values } => {
            if values.is_empty() {
                found.error("S005", name, "the choice has no values", "list the values to try");
            }
            let repeated = values.iter().enumerate().find(|(place, value)| values[..*place].contains(value));
            if let Some((_, value)) = repeated {
                let message = format!("the choice has {} twice", in_words(value));
                found.warn("S005", name, message, "take one away; every value is drawn equally often");
            }
        }
        Distribution::RandInt { upper } => {
            if *upper == 0 {
                let message = "randint draws whole numbers below `upper`, and there is none below 0";
                found.error("S005", name, message, "set `upper` to 1 or more");
            } else if i64::try_from(*upper).is_err() {
                let message = format!("`upper` is {upper}, more than a whole number can be");
                found.error("S005", name, message, format!("set `upper` to {} at most", i64::MAX));
            }
        }
        Distribution::Uniform { min_value, max_value } => bounds(found, name, *min_value, *max_value),
        Distribution::QUniform { min_value, max_value, q } => {
            bounds(found, name, *min_value, *max_value);
            step(found, name, *q);
            rounded_bounds(found, name, distribution, (*min_value, *max_value), *q);
        }
        Distribution::LogUniform { min_value, max_value } => {
            bounds(found, name, *min_value, *max_value);
            exponents(found, name, *min_value, *max_value);
        }
        Distribution::QLogUniform { min_value, max_value, q } => {
            bounds(found, name, *min_value, *max_value);
            exponents(found, name, *min_value, *max_value);
            step(found, name, *q);
            if distribution.multiples().is_some_and(|(first, _)| first == 0.0) {
                let message = format!(
                    "the smallest values round to 0, which is no longer between exp({min_value}) and exp({max_value})"
                );
                found.warn("S011", name, message, "raise `min_value`, or make `q` smaller");
            }
        }
        Distribution::Normal { mu, sigma } => spread(found, name, *mu, *sigma),
        Distribution::QNormal { mu, sigma, q } => {
            spread(found, name, *mu, *sigma);
            step(found, name, *q);
        }
        Distribution::LogNormal { mu, sigma } => {
            spread(found, name, *mu, *sigma);
            exponents(found, name, mu - 4.0 * sigma, mu + 4.0 * sigma);
        }
        Distribution::QLogNormal { mu, sigma, q } => {
            spread(found, name, *mu, *sigma);
            exponents(found, name, mu - 4.0 * sigma, mu + 4.0 * sigma);
            step(found, name, *q);
        }
    }
}

fn bounds(found: &mut Found, name: &str, min: f64, max: f64) {
    if !min.is_finite() || !max.is_finite() {
        let message = format!("the bounds are {min} and {max}, and must be numbers");
        found.error("S003", name, message, "set both bounds to finite numbers");
    } else if min > max {
        let message = format!("`min_value` is {min}, above `max_value`, which is {max}");
        found.error("S003", name, message, "exchange them");
    } else if min == max {
        let message = format!("both bounds are {min}, so that nothing varies");
        found.warn("S003", name, message, "widen the bounds, or take the dimension away and set the parameter");
    }
}

fn step(found: &mut Found, name: &str, q: f64) {
    if !(q > 0.0 && q.is_finite()) {
        let message = format!("`q` is {q}, and values are multiples of it");
        found.error("S004", name, message, "set `q` to a number above 0, or use the distribution without `q`");
    }
}

fn spread(found: &mut Found, name: &str, mu: f64, sigma: f64) {
    if !(sigma > 0.0 && sigma.is_finite() && mu.is_finite()) {
        let message = format!("`mu` is {mu} and `sigma` is {sigma}");
        found.error("S006", name, message, "set `mu` to a finite number and `sigma` to one above 0");
    }
}

/// What goes wrong where exponents and values are taken for each other.
fn exponents(found: &mut Found, name: &str, low: f64, high: f64) {
    // Beyond it, exp is larger than any number of 64 bits.
    const LARGEST: f64 = 700.0;
    if low.is_finite() && high.is_finite() && low.abs().max(high.abs()) > LARGEST {
        let message = format!("the values reach from exp({low}) to exp({high}), beyond what a number can hold");
        found.error("S007", name, message, "the bounds are exponents: write ln(x) for a bound of x");
    } else if low > 0.0 && low < high && high <= 1.0 {
        let message =
            format!("the bounds are exponents, so the values reach from {:.4} to {:.4}", low.exp(), high.exp());
        let help = format!("for values from {low} to {high}, write {:.4} and {:.4}", low.ln(), high.ln());
        found.warn("S007", name, message, help);
    }
}

fn rounded_bounds(found: &mut Found, name: &str, distribution: &Distribution, (min, max): (f64, f64), q: f64) {
    let Some((low, high)) = distribution.multiples().filter(|_| q > 0.0) else { return };
    let outside: Vec<_> = [low, high]
        .into_iter()
        .filter_map(|k| number(&multiple(k, q)))
        .filter(|x| *x < min - 1e-9 * q || *x > max + 1e-9 * q)
        .map(|x| x.to_string())
        .collect();
    if !outside.is_empty() {
        let message =
            format!("rounding to multiples of {q} also gives {}, outside of {min} to {max}", outside.join(" and "));
        found.warn("S011", name, message, "make both bounds multiples of `q`");
    }
}

/// Conditions and couplings.
fn links(found: &mut Found, space: &Space, dimension: &Dimension) {
    let name = &dimension.name;
    let others = || {
        let names: Vec<_> = space
            .dimensions
            .iter()
            .map(|other| &other.name)
            .filter(|other| *other != name)
            .map(|other| format!("`{other}`"))
            .collect();
        if names.is_empty() {
            "there is no other dimension".to_owned()
        } else {
            format!("name one of {}", names.join(", "))
        }
    };
    if let Some(when) = &dimension.when {
        match space.dimension(&when.dimension) {
            None => {
                let message = format!("it counts under values of `{}`, which is no dimension", when.dimension);
                found.error("S010", name, message, others());
            }
            Some(Dimension { same_as: Some(source), .. }) => {
                let message =
                    format!("it counts under values of `{}`, which takes those of `{source}`", when.dimension);
                found.error("S013", name, message, format!("let it count under values of `{source}`"));
            }
            Some(parent) if when.dimension != *name => {
                let takes = |value: &&Value| parent.distribution.contains(value);
                if when.values.is_empty() || !when.values.iter().any(|value| takes(&value)) {
                    let values: Vec<_> = when.values.iter().map(in_words).collect();
                    let message = format!("it never counts: `{}` is never {}", parent.name, values.join(" or "));
                    found.warn("S014", name, message, format!("name values that `{}` can have", parent.name));
                } else if parent.distribution.step().is_none()
                    && !matches!(parent.distribution, Distribution::Choice { .. })
                {
                    let message = format!(
                        "it hardly ever counts: `{}` is any number, and seldom one of those named",
                        parent.name
                    );
                    found.error("S014", name, message, "let it count under values of a choice");
                } else if let Some(never) = when.values.iter().find(|value| !takes(value)) {
                    let message = format!("`{}` is never {}", parent.name, in_words(never));
                    found.warn("S014", name, message, "take this value of the condition away");
                }
            }
            Some(_) => {}
        }
    }
    if let Some(source) = &dimension.same_as {
        match space.dimension(source) {
            None => {
                found.error("S010", name, format!("it takes the value of `{source}`, which is no dimension"), others());
            }
            Some(Dimension { same_as: Some(first), name: other, .. }) if other != name => {
                let message = format!("it takes the value of `{source}`, which takes that of `{first}`");
                found.error("S013", name, message, format!("let it take the value of `{first}`"));
            }
            Some(_) => {}
        }
    }
}

fn objectives(found: &mut Found, objectives: &[Objective]) {
    if objectives.is_empty() {
        found.error(
            "S015",
            "objective",
            "nothing is aimed at",
            "name a metric, and whether to maximize or minimize it",
        );
    }
    for (place, objective) in objectives.iter().enumerate() {
        let metric = &objective.metric;
        if metric.is_empty() {
            found.error("S015", "objective", "an objective has no metric", "name the metric, for instance `auc`");
        }
        if objectives[..place].iter().any(|other| other.metric == *metric) {
            found.error("S015", "objective", format!("`{metric}` is aimed at twice"), "take one of them away");
        }
        match (objective.goal, better_when(metric)) {
            (Goal::Minimize, Some(Goal::Maximize)) => {
                let message = format!("`{metric}` is made small, and it is better when it is large");
                found.warn("S016", "objective", message, "set the goal to `maximize`");
            }
            (Goal::Maximize, Some(Goal::Minimize)) => {
                let message = format!("`{metric}` is made large, and it is better when it is small");
                found.warn("S016", "objective", message, "set the goal to `minimize`");
            }
            (Goal::Minimize, Some(Goal::Minimize) | None) | (Goal::Maximize, Some(Goal::Maximize) | None) => {}
        }
    }
}

fn sampling(found: &mut Found, study: &Study) {
    let free = || study.space.dimensions.iter().filter(|dimension| dimension.same_as.is_none());
    let n_dimensions = free().count() as u32;
    match &study.sampling {
        Sampling::Grid => {
            for dimension in free() {
                let (name, drawn) = (&dimension.name, dimension.distribution.name());
                match &dimension.distribution {
                    Distribution::Choice { .. } => {}
                    Distribution::RandInt { .. } | Distribution::QUniform { .. } => {
                        let message =
                            format!("a grid over {drawn} is of this program; the sweep schema allows only choice");
                        found.note("S017", name, message, "list the values as a choice to run it elsewhere");
                    }
                    Distribution::Uniform { .. }
                    | Distribution::LogUniform { .. }
                    | Distribution::QLogUniform { .. }
                    | Distribution::Normal { .. }
                    | Distribution::QNormal { .. }
                    | Distribution::LogNormal { .. }
                    | Distribution::QLogNormal { .. } => {
                        let message = format!("a grid tries every value, and {drawn} has no end of them");
                        found.error("S017", name, message, "list the values as a choice, or sample at random");
                    }
                }
            }
        }
        Sampling::Random { rule: Rule::Sobol, .. } if n_dimensions > 100 => {
            let message = format!("there are {n_dimensions} dimensions, and Sobol's sequence is kept for 100");
            found.warn(
                "S018",
                "sampling",
                message,
                "those beyond the hundredth are drawn by chance; use the rule `random`",
            );
        }
        Sampling::Random { .. } => {}
        Sampling::Bayesian { .. } => {
            let elsewhere = |dimension: &&Dimension| match dimension.distribution {
                Distribution::Choice { .. } | Distribution::Uniform { .. } | Distribution::QUniform { .. } => true,
                Distribution::RandInt { .. }
                | Distribution::LogUniform { .. }
                | Distribution::QLogUniform { .. }
                | Distribution::Normal { .. }
                | Distribution::QNormal { .. }
                | Distribution::LogNormal { .. }
                | Distribution::QLogNormal { .. } => false,
            };
            for dimension in free().filter(|dimension| !elsewhere(dimension)) {
                let drawn = dimension.distribution.name();
                let message = format!(
                    "bayesian sampling over {drawn} is of this program; the sweep schema allows choice, uniform and quniform"
                );
                found.note("S017", &dimension.name, message, "use one of these three to run it elsewhere");
            }
            let n_trials = study.limits.max_total_trials;
            if study.n_concurrent().saturating_mul(4) > n_trials && n_trials > 1 {
                let message = format!(
                    "{} trials at a time, of {n_trials} in all, learn little from each other",
                    study.n_concurrent()
                );
                found.warn("S018", "sampling", message, "run fewer at a time, or sample at random");
            }
        }
        Sampling::Hyperband { min_resource, max_resource, eta, .. } => {
            if *min_resource == 0 || min_resource > max_resource {
                let message = format!("a trial runs from {min_resource} to {max_resource} intervals");
                found.error(
                    "S019",
                    "sampling",
                    message,
                    "set `min_resource` to 1 or more and `max_resource` to no less",
                );
            }
            if *eta < 2 {
                let message = format!("`eta` is {eta}, so that no trial would ever be given up");
                found.error("S019", "sampling", message, "set `eta` to 2 or more; 3 is usual");
            }
            if let Some(n) = study.n_intervals.filter(|n| n != max_resource) {
                let message = format!("a whole trial has {n} intervals, and `max_resource` is {max_resource}");
                found.warn("S019", "sampling", message, format!("set `max_resource` to {n}"));
            }
            if study.objectives.len() > 1 {
                let message = "hyperband compares trials on their way, where only the first objective is known";
                found.error("S019", "sampling", message, "keep one objective, or sample in another way");
            }
            if study.early_termination.is_some() {
                let message = "hyperband gives trials up by itself, and so does the policy";
                found.error("S020", "early_termination", message, "take the early termination away");
            }
            if study.limits.patience.is_some() {
                let message = "hyperband runs its brackets to their end, whatever the `patience`";
                found.warn("S021", "limits", message, "leave `patience` out");
            }
        }
    }
}

fn early_termination(found: &mut Found, policy: &EarlyTermination, study: &Study) {
    let place = "early_termination";
    match policy {
        EarlyTermination::Bandit { slack_factor, slack_amount, .. } => match (slack_factor, slack_amount) {
            (Some(_), Some(_)) => {
                let message = "bandit has both `slack_factor` and `slack_amount`";
                found.error(
                    "S020",
                    place,
                    message,
                    "keep one: the factor is a ratio, the amount has the metric's unit",
                );
            }
            (None, None) => {
                let message = "bandit has neither `slack_factor` nor `slack_amount`";
                found.error(
                    "S020",
                    place,
                    message,
                    "set one of them: the factor is a ratio, the amount has the metric's unit",
                );
            }
            (Some(slack), None) | (None, Some(slack)) => {
                if !(*slack > 0.0 && slack.is_finite()) {
                    let message = format!("the slack of bandit is {slack}");
                    found.error("S020", place, message, "set it to a number above 0");
                }
            }
        },
        EarlyTermination::MedianStopping { .. } => {}
        EarlyTermination::TruncationSelection { truncation_percentage, .. } => {
            if !(1..=99).contains(truncation_percentage) {
                let message = format!("`truncation_percentage` is {truncation_percentage}");
                found.error("S020", place, message, "set it to a whole number from 1 to 99");
            }
        }
    }
    if policy.rhythm().0 == 0 {
        let message = "`evaluation_interval` is 0, which is taken for 1";
        found.warn("S020", place, message, "set it to 1 or more");
    }
    if let Some(n) = study.n_intervals.filter(|n| policy.rhythm().1 >= *n) {
        let message = format!("the policy looks from interval {} on, and a trial has {n}", policy.rhythm().1);
        found.warn("S020", place, message, format!("set `delay_evaluation` below {n}"));
    }
    if study.objectives.len() > 1 {
        let message =
            format!("there are {} objectives, and trials are given up by the first alone", study.objectives.len());
        found.warn("S020", place, message, "put the objective that should decide first, or take the policy away");
    }
}

fn limits(found: &mut Found, limits: &Limits) {
    let total = limits.max_total_trials;
    let mut zero = |name: &str, is_zero: bool| {
        if is_zero {
            found.error("S021", "limits", format!("`{name}` is 0"), "set it to 1 or more, or leave it out");
        }
    };
    zero("max_total_trials", total == 0);
    zero("max_concurrent_trials", limits.max_concurrent_trials == Some(0));
    zero("timeout", limits.timeout_secs == 0);
    zero("trial_timeout", limits.trial_timeout_secs == Some(0));
    zero("patience", limits.patience == Some(0));
    if total > MAX_TRIALS {
        let message = format!("`max_total_trials` is {total}; the sweep schema allows {MAX_TRIALS} at most");
        found.note("S021", "limits", message, format!("set it to {MAX_TRIALS} or less to run it elsewhere"));
    }
    if let Some(n) = limits.max_concurrent_trials.filter(|n| *n > total && total > 0) {
        let message = format!("{n} trials at a time are more than the {total} in all");
        found.warn("S021", "limits", message, format!("set `max_concurrent_trials` to {total} or less"));
    }
}

fn in_words(value: &Value) -> String {
    match value {
        Value::None => "nothing".into(),
        Value::Bool(truth) => if *truth { "on" } else { "off" }.into(),
        Value::Int(n) => n.to_string(),
        Value::Float(x) => pipeline::number_in_words(*x),
        Value::Text(text) => format!("{text:?}"),
        Value::Columns(_) => "a selection of columns".into(),
        Value::File(file) => format!("the file {:?}", file.name),
    }
}
