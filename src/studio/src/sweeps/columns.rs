//! The trials that are done as columns of numbers: what the axes of charts are made of.

use pipeline::Value;
use schema::ordered::sort_by;
use study::{Dimension, Distribution, Study, TrialState, metric_label};

use crate::viewers::parallel::{self, Brush, Column, passing};

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
    fn all(&self) -> impl Iterator<Item = &Column> + Clone {
        self.settings.iter().chain([&self.elapsed]).chain(&self.objectives)
    }

    /// Which trials all brushes let through.
    pub fn passing(&self, brushes: &[Brush]) -> Vec<bool> {
        passing(self.all(), brushes, self.trials.len())
    }

    /// As lines over parallel axes.
    pub fn lines(&self) -> parallel::Data {
        parallel::Data {
            names: self.trials.iter().map(ToString::to_string).collect(),
            columns: self.all().cloned().collect(),
            aim: (!self.objectives.is_empty()).then_some(self.settings.len() + 1),
            ranked: self.ranked.clone(),
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
