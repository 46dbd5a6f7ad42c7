//! The trials that are done as columns of numbers: what the axes of charts are made of.

use charts::{Axis, Scale};
use pipeline::Value;
use schema::ordered::sort_by;
use study::{Dimension, Distribution, Goal, Study, TrialState, metric_label};

/// One number of every trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// `forest.n_trees`, `auc`: unique among the columns.
    pub name: String,
    /// "Trees", "AUC".
    pub label: String,
    /// Names at 0, 1, 2… instead of numbers.
    pub options: Vec<String>,
    /// Whether it is spread by factors unless somebody says otherwise.
    pub is_log: bool,
    /// Which way is better, of an objective.
    pub goal: Option<Goal>,
    /// No number where the setting does not count, or has a value that the space no longer has.
    pub values: Vec<f64>,
}

/// All of them. Equal places belong to the same trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// The trials' numbers.
    pub trials: Vec<u32>,
    /// The settings that vary.
    pub settings: Vec<Column>,
    /// How long each took, in seconds.
    pub elapsed: Column,
    /// What is aimed at.
    pub objectives: Vec<Column>,
    /// Places of the trials, the best by the first objective first.
    pub ranked: Vec<usize>,
}

/// What is let through on one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Brush {
    /// The column.
    pub name: String,
    /// From here.
    pub low: f64,
    /// To here.
    pub high: f64,
}

impl Columns {
    /// The trials of a study; the dimensions' names come with their labels.
    pub fn of(study: &Study, labels: &[(String, String)]) -> Self {
        let done: Vec<_> = study.trials.iter().filter(|trial| trial.state == TrialState::Done).collect();
        let setting = |(dimension, (_, label)): (&Dimension, &(String, String))| {
            let options = options(&dimension.distribution);
            let value = |value: &Value| match value {
                Value::Int(n) if options.is_empty() => *n as f64,
                Value::Float(x) if options.is_empty() => *x,
                value => {
                    options.iter().position(|option| *option == words(Some(value))).map_or(f64::NAN, |at| at as f64)
                }
            };
            let of_trial = |trial: &&study::Trial| trial.settings.get(&dimension.name).map_or(f64::NAN, value);
            let values = done.iter().map(of_trial).collect();
            let (name, is_log) = (dimension.name.clone(), dimension.distribution.is_log());
            Column { name, label: label.clone(), options, is_log, goal: None, values }
        };
        let objective = |(at, objective): (usize, &study::Objective)| {
            let values = done.iter().map(|trial| trial.values.get(at).copied().unwrap_or(f64::NAN)).collect();
            let (name, label) = (objective.metric.clone(), metric_label(&objective.metric));
            Column { name, label, options: Vec::new(), is_log: false, goal: Some(objective.goal), values }
        };
        let objectives: Vec<Column> = study.objectives.iter().enumerate().map(objective).collect();
        let mut ranked: Vec<usize> = (0..done.len()).collect();
        if let Some(Column { values, goal: Some(goal), .. }) = objectives.first() {
            sort_by(&mut ranked, |one, other| goal.as_loss(values[*one]).total_cmp(&goal.as_loss(values[*other])));
        }
        let elapsed = Column {
            name: "seconds".into(),
            label: "Seconds".into(),
            options: Vec::new(),
            is_log: true,
            goal: None,
            values: done.iter().map(|trial| trial.elapsed_secs.unwrap_or(f64::NAN)).collect(),
        };
        Self {
            trials: done.iter().map(|trial| trial.number).collect(),
            settings: study.space.dimensions.iter().zip(labels).map(setting).collect(),
            elapsed,
            objectives,
            ranked,
        }
    }

    /// Settings, time, objectives.
    pub fn all(&self) -> impl Iterator<Item = &Column> {
        self.settings.iter().chain([&self.elapsed]).chain(&self.objectives)
    }

    /// The column with this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.all().find(|column| column.name == name)
    }

    /// Which trials all brushes let through.
    pub fn passing(&self, brushes: &[Brush]) -> Vec<bool> {
        let mut passes = vec![true; self.trials.len()];
        for brush in brushes {
            let Some(column) = self.column(&brush.name) else { continue };
            for (passes, value) in passes.iter_mut().zip(&column.values) {
                *passes &= (brush.low..=brush.high).contains(value);
            }
        }
        passes
    }

    /// How good each trial is by an objective, in `0.0..=1.0`. The worst tenth shares the lowest end, so that a few
    /// trials that went wrong do not make all others look alike. With it, what stands at the two ends.
    pub fn merits(&self, objective: &Column) -> (Vec<f64>, [f64; 2]) {
        let goal = objective.goal.unwrap_or(Goal::Maximize);
        let mut losses: Vec<f64> = objective.values.iter().map(|value| goal.as_loss(*value)).collect();
        let merit_of = losses.clone();
        sort_by(&mut losses, f64::total_cmp);
        let (Some(best), Some(worst)) = (losses.first(), losses.get(losses.len() * 9 / 10)) else {
            return (Vec::new(), [f64::NAN; 2]);
        };
        let span = (worst - best).max(f64::MIN_POSITIVE);
        let merits = merit_of.iter().map(|loss| ((worst - loss) / span).clamp(0.0, 1.0)).collect();
        (merits, [goal.as_loss(*worst), goal.as_loss(*best)])
    }
}

impl Column {
    /// Of a chart.
    pub fn axis(&self) -> Axis {
        Axis { label: self.label.clone(), range: None, fixed: false, categories: self.options.clone() }
    }

    /// From the least to the greatest value, from the bottom (1) to the top (0).
    pub fn scale(&self, is_log: bool) -> Scale {
        let numbers = || self.values.iter().copied().filter(|value| value.is_finite());
        let (low, high) = match self.options.len() {
            0 => (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max)),
            n => (-0.5, n as f64 - 0.5),
        };
        let (low, high) = match low < high {
            true => (low, high),
            // One value stands in the middle, and so does none.
            false if low == high && low > 0.0 => (low / 2.0, low * 1.5),
            false if low == high => (low - 1.0, low + 1.0),
            false => (0.0, 1.0),
        };
        Scale { low, high, from_px: 1.0, to_px: 0.0, is_log: is_log && low > 0.0 }
    }

    /// A value for people.
    pub fn words(&self, value: f64) -> String {
        match self.options.get(value.max(0.0) as usize) {
            _ if value.is_nan() => "–".into(),
            Some(option) => option.clone(),
            None => charts::number(value),
        }
    }
}

/// The values of a choice among things that are not all numbers.
fn options(distribution: &Distribution) -> Vec<String> {
    let is_number = |value: &Value| matches!(value, Value::Int(_) | Value::Float(_));
    match distribution {
        Distribution::Choice { values } if !values.iter().all(is_number) => {
            values.iter().map(|value| words(Some(value))).collect()
        }
        _ => Vec::new(),
    }
}

/// A setting's value for people.
pub fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::None) => "none".into(),
        Some(Value::Bool(on)) => if *on { "on" } else { "off" }.into(),
        Some(Value::Int(n)) => n.to_string(),
        Some(Value::Float(x)) => charts::number(*x),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Columns(_) | Value::File(_)) => String::new(),
    }
}
