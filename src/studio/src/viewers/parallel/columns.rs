//! Numbers of many things, column by column: what the axes of charts are made of.

use charts::{Axis, Scale};
use schema::ordered::sort_by;
use study::Goal;

/// One number of every thing.
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
    /// No number where a thing has none.
    pub values: Vec<f64>,
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

/// Which of so many things all brushes let through.
pub fn passing<'a>(columns: impl Iterator<Item = &'a Column> + Clone, brushes: &[Brush], n_things: usize) -> Vec<bool> {
    let mut passes = vec![true; n_things];
    for brush in brushes {
        let Some(column) = columns.clone().find(|column| column.name == brush.name) else { continue };
        for (passes, value) in passes.iter_mut().zip(&column.values) {
            *passes &= (brush.low..=brush.high).contains(value);
        }
    }
    passes
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

    /// How good each thing is by it, in `0.0..=1.0`, and what stands at the two ends. The worst tenth shares the lowest
    /// end, so that a few things that went wrong do not make all others look alike. Nothing where no value is a number.
    pub fn merits(&self) -> (Vec<f64>, [f64; 2]) {
        let goal = self.goal.unwrap_or(Goal::Maximize);
        let merit_of: Vec<f64> = self.values.iter().map(|value| goal.as_loss(*value)).collect();
        let mut losses: Vec<f64> = merit_of.iter().copied().filter(|loss| !loss.is_nan()).collect();
        sort_by(&mut losses, f64::total_cmp);
        let (Some(best), Some(worst)) = (losses.first(), losses.get(losses.len() * 9 / 10)) else {
            return (Vec::new(), [f64::NAN; 2]);
        };
        let span = (worst - best).max(f64::MIN_POSITIVE);
        // What has no figure stands with the worst.
        let merits = merit_of.iter().map(|loss| ((worst - loss) / span).clamp(0.0, 1.0).max(0.0)).collect();
        (merits, [goal.as_loss(*worst), goal.as_loss(*best)])
    }
}
