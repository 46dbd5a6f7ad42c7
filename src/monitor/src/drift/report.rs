//! A window beside its reference.

use registry::{ColumnReference, Reference, Shape};
use serde::{Deserialize, Serialize};

use super::significance::{benjamini_hochberg, chi_squared, chi_squared_p, kolmogorov_smirnov_p};
use super::{ColumnWindow, Window, distance};

/// With fewer values in a window, or in the reference, nothing is said of a column.
pub const MIN_ROWS: u64 = 200;
const WATCH_PSI: f64 = 0.1;
const DRIFT_PSI: f64 = 0.25;
const SIGNIFICANT: f64 = 0.05;
/// Evidently looks at sizes instead of significance beyond so many rows of the reference.
const EVIDENTLY_MANY_ROWS: u64 = 1_000;
/// From here on Evidently and NannyML call a distance a drift.
const FAR: f64 = 0.1;

/// What makes a difference a drift. Recipes disagree on the same rows, so a verdict is told with its recipe's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// Significant and large: of many rows every trifle is significant, of few many a large difference is chance.
    #[default]
    Both,
    /// Significant.
    Significance,
    /// Large.
    Size,
    /// As Evidently does it unless told otherwise, but for columns of two values, which it gives a test of their own.
    Evidently,
    /// As NannyML does it unless told otherwise, over deciles instead of bins by Doane's rule.
    NannyMl,
}

impl Recipe {
    /// Every one, the usual first, as it is called.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Both, "Large and significant"),
        (Self::Size, "Large"),
        (Self::Significance, "Significant"),
        (Self::Evidently, "Evidently"),
        (Self::NannyMl, "NannyML"),
    ];

    /// What it does, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Both => {
                "PSI over deciles, 0.1 and 0.25, if Kolmogorov-Smirnov or chi-squared is below 5 % (Benjamini-Hochberg)"
            }
            Self::Significance => "Kolmogorov-Smirnov or chi-squared below 5 % (Benjamini-Hochberg)",
            Self::Size => "PSI over deciles, 0.1 and 0.25",
            Self::Evidently => {
                "Kolmogorov-Smirnov or chi-squared below 5 % up to 1,000 rows of training, beyond that a normed Wasserstein \
                 or a Jensen-Shannon distance from 0.1 (Evidently)"
            }
            Self::NannyMl => "Jensen-Shannon distance to the base 2 over deciles, from 0.1 (NannyML)",
        }
    }

    /// What scores come to, by so many rows of the reference.
    pub fn verdict(self, scores: &Scores, n_reference: u64) -> Verdict {
        let is_significant = scores.significance.adjusted_p_value <= SIGNIFICANT;
        let is_drift = |is| if is { Verdict::Drift } else { Verdict::Stable };
        match self {
            Self::Evidently if n_reference <= EVIDENTLY_MANY_ROWS => {
                is_drift(scores.significance.p_value <= SIGNIFICANT)
            }
            // Its Jensen-Shannon distance is to the base e: ours, times the root of ln 2.
            Self::Evidently => is_drift(
                scores.wasserstein.unwrap_or(scores.jensen_shannon * numeric::sqrt(std::f64::consts::LN_2)) >= FAR,
            ),
            Self::NannyMl => is_drift(scores.jensen_shannon >= FAR),
            Self::Significance if is_significant => Verdict::Drift,
            Self::Both if !is_significant => Verdict::Stable,
            Self::Size | Self::Both if scores.psi >= DRIFT_PSI => Verdict::Drift,
            Self::Size | Self::Both if scores.psi >= WATCH_PSI => Verdict::Watch,
            Self::Significance | Self::Size | Self::Both => Verdict::Stable,
        }
    }
}

/// How the rows of a window differ from those of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What made the verdicts.
    pub recipe: Recipe,
    /// The columns of the reference, in its order.
    pub inputs: Vec<ColumnReport>,
    /// What was predicted.
    pub prediction: Option<ColumnReport>,
}

/// How the values of a column differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// Its name.
    pub name: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// How far apart they are; none if there are too few.
    pub scores: Option<Scores>,
    /// What is wrong with the values themselves.
    pub quality: Quality,
}

/// What the differences of a column come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Verdict {
    /// No value came in, or the reference has none.
    NoData,
    /// Fewer values than [`MIN_ROWS`].
    TooFewRows {
        /// Values of the window or the reference, the fewer.
        found: u64,
    },
    /// As in training.
    Stable,
    /// Differs, but not by much.
    Watch,
    /// Differs.
    Drift,
}

/// How far apart a window and its reference are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Population stability index; bins without values count as 0.0001.
    pub psi: f64,
    /// Jensen-Shannon distance to the base 2, from 0 to 1.
    pub jensen_shannon: f64,
    /// Total variation, from 0 to 1.
    pub total_variation: f64,
    /// Wasserstein distance in standard deviations of the reference, one of less than 0.001 counting as that (Evidently);
    /// none of categories.
    pub wasserstein: Option<f64>,
    /// Whether it can be chance.
    pub significance: Significance,
}

/// Whether a difference can be chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Significance {
    /// How that was found.
    pub test: Test,
    /// What was found.
    pub statistic: f64,
    /// How likely as much is if nothing has changed.
    pub p_value: f64,
    /// The same, adjusted for there being several columns (Benjamini and Hochberg); a prediction stands alone.
    pub adjusted_p_value: f64,
}

/// A test of whether two samples are of one distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// The two-sample test of Kolmogorov and Smirnov, for numbers.
    KolmogorovSmirnov,
    /// Pearson's chi-squared test, for categories.
    ChiSquared,
}

impl Test {
    /// As Azure's model monitor calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::KolmogorovSmirnov => "two_sample_kolmogorov_smirnov_test",
            Self::ChiSquared => "pearsons_chi_squared_test",
        }
    }
}

/// What is wrong with the values of a column, as shares of its rows; none without rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Rows without a value.
    pub null_rate: Option<f64>,
    /// Rows with a value of another kind.
    pub type_error_rate: Option<f64>,
    /// Rows with a number outside of the range of training; none of categories.
    pub out_of_bounds_rate: Option<f64>,
    /// Rows with a category that training did not see; none of numbers, and of texts of which only the frequent are known.
    pub unseen_category_rate: Option<f64>,
}

impl Scores {
    /// How large a difference is that is no chance: the population stability index over deciles, or 0 where the test's
    /// p-value, adjusted for there being several columns, is above 5 %.
    pub fn drift(&self) -> f64 {
        if self.significance.adjusted_p_value <= SIGNIFICANT { self.psi } else { 0.0 }
    }
}

impl ColumnWindow {
    /// The population stability index alone, which takes no time; none if there are too few values.
    pub fn psi(&self, reference: &ColumnReference) -> Option<f64> {
        let expected = counts(&reference.shape);
        let n_values = expected.iter().sum::<u64>().min(self.n_values());
        let shares = || (distance::shares(&expected), distance::shares(&self.counts));
        (n_values >= MIN_ROWS).then(shares).map(|(expected, found)| distance::psi(&expected, &found))
    }
}

impl Report {
    /// Compares a window with its reference.
    pub fn of(reference: &Reference, window: &Window, recipe: Recipe) -> Self {
        let mut inputs: Vec<ColumnReport> =
            reference.inputs.iter().zip(&window.inputs).map(|(reference, window)| column(reference, window)).collect();
        judge(&mut inputs, recipe, reference.n_rows);
        let pair = reference.prediction.as_ref().zip(window.prediction.as_ref());
        let mut prediction: Vec<ColumnReport> =
            pair.map(|(reference, window)| column(reference, window)).into_iter().collect();
        judge(&mut prediction, recipe, reference.n_rows);
        Self { recipe, inputs, prediction: prediction.pop() }
    }
}

/// Adjusts for there being several columns, and says what each comes to.
fn judge(columns: &mut [ColumnReport], recipe: Recipe, n_reference: u64) {
    let p_values: Vec<f64> =
        columns.iter().filter_map(|column| Some(column.scores.as_ref()?.significance.p_value)).collect();
    let judged = columns.iter_mut().filter_map(|column| Some((&mut column.verdict, column.scores.as_mut()?)));
    for ((verdict, scores), adjusted) in judged.zip(benjamini_hochberg(&p_values)) {
        scores.significance.adjusted_p_value = adjusted;
        *verdict = recipe.verdict(scores, n_reference);
    }
}

fn column(reference: &ColumnReference, window: &ColumnWindow) -> ColumnReport {
    let expected = counts(&reference.shape);
    let found = expected.iter().sum::<u64>().min(window.n_values());
    let (verdict, scores) = match found {
        0 => (Verdict::NoData, None),
        1..MIN_ROWS => (Verdict::TooFewRows { found }, None),
        _ => (Verdict::Stable, Some(scores(reference, &expected, window))),
    };
    ColumnReport { name: reference.name.clone(), verdict, scores, quality: quality(reference, window) }
}

/// The counts of a reference, in the places where a window has them.
fn counts(shape: &Shape) -> Vec<u64> {
    match shape {
        Shape::Numbers { counts, .. } => counts.clone(),
        Shape::Categories { counts, n_others, .. } => counts.iter().copied().chain([*n_others]).collect(),
    }
}

fn scores(reference: &ColumnReference, expected: &[u64], window: &ColumnWindow) -> Scores {
    let (p, q) = (distance::shares(expected), distance::shares(&window.counts));
    let (wasserstein, test, statistic, p_value) = match &reference.shape {
        Shape::Numbers { sample, std, .. } => {
            let found = window.sample.sorted();
            let apart = distance::kolmogorov_smirnov(sample, &found);
            let moved = distance::wasserstein(sample, &found) / std.max(0.001);
            (Some(moved), Test::KolmogorovSmirnov, apart, kolmogorov_smirnov_p(apart, sample.len(), found.len()))
        }
        Shape::Categories { .. } => {
            let (statistic, freedom) = chi_squared(expected, &window.counts);
            (None, Test::ChiSquared, statistic, chi_squared_p(statistic, freedom))
        }
    };
    Scores {
        psi: distance::psi(&p, &q),
        jensen_shannon: distance::jensen_shannon(&p, &q),
        total_variation: distance::total_variation(&p, &q),
        wasserstein,
        significance: Significance { test, statistic, p_value, adjusted_p_value: p_value },
    }
}

fn quality(reference: &ColumnReference, window: &ColumnWindow) -> Quality {
    let n_rows = window.n_missing + window.n_type_errors + window.n_values();
    let rate = |n: u64| (n_rows > 0).then(|| n as f64 / n_rows as f64);
    let (out_of_bounds_rate, unseen_category_rate) = match &reference.shape {
        Shape::Numbers { .. } => (rate(window.n_out_of_bounds), None),
        Shape::Categories { n_others: 0, .. } => (None, window.counts.last().and_then(|n| rate(*n))),
        Shape::Categories { .. } => (None, None),
    };
    Quality {
        null_rate: rate(window.n_missing),
        type_error_rate: rate(window.n_type_errors),
        out_of_bounds_rate,
        unseen_category_rate,
    }
}
