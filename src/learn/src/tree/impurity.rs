//! What a split is to make smaller, and how it changes when one row moves from the right of a split to its left.

use super::{Criterion, TreeSettings, row_weights};
use crate::FitError;
use crate::dataset::Labels;

/// The labels and weights of all rows, in units in which nothing overflows.
pub(crate) struct Goal<'a> {
    pub(super) labels: Scaled<'a>,
    pub(super) criterion: Criterion,
    /// `None` if all rows count the same.
    pub(super) weights: Option<Vec<f64>>,
    /// The weights were divided by this power of two, which costs no digit.
    pub(super) weight_unit: f64,
}

pub(super) enum Scaled<'a> {
    Classes { classes: &'a [u32], n_classes: usize },
    Numbers { y: Vec<f64>, unit: f64 },
}

impl<'a> Goal<'a> {
    pub(crate) fn new(
        settings: &TreeSettings,
        labels: &'a Labels,
        n_classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Self, FitError> {
        let (labels, mut weights) = match labels {
            Labels::Classes(classes) => (
                Scaled::Classes { classes, n_classes },
                row_weights(settings.class_weights, classes, n_classes, weights),
            ),
            Labels::Numbers(y) => {
                let unit = power_of_two(y);
                (Scaled::Numbers { y: y.iter().map(|y| y / unit).collect(), unit }, weights.map(<[f64]>::to_vec))
            }
        };
        let mut weight_unit = 1.0;
        if let Some(weights) = &mut weights {
            if !weights.iter().all(|weight| weight.is_finite()) {
                return Err(FitError::Overflow);
            }
            weight_unit = power_of_two(weights);
            // What underflows beside the largest weight must still not divide by 0.
            weights.iter_mut().for_each(|weight| *weight = (*weight / weight_unit).max(1e-300));
        }
        Ok(Self { labels, criterion: settings.criterion, weights, weight_unit })
    }
}

/// The power of two next below the largest magnitude; 1 for 0.
pub(crate) fn power_of_two(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let exponent = (largest.to_bits() >> 52) & 0x7ff;
    if exponent == 0 { 1.0 } else { f64::from_bits(exponent << 52) }
}

/// What the rows of a node say.
pub(super) struct Summary {
    /// Sum of the weights, in the goal's unit.
    pub(super) weight: f64,
    /// In the goal's unit.
    pub(super) impurity: f64,
    /// The impurity's unit.
    pub(super) impurity_unit: f64,
    /// Nothing is left to be told apart.
    pub(super) pure: bool,
}

/// The running sums on both sides of a split.
pub(super) trait Sums {
    /// Looks at the rows of a node, appends its values, and remembers its sums for `start`.
    fn summarise(&mut self, rows: &[u32], values: &mut Vec<f64>) -> Summary;
    /// What `move_left` needs to know of a row.
    fn payload(&self, row_idx: u32) -> u32;
    /// All rows of the node are on the right.
    fn start(&mut self);
    /// One row moves.
    fn move_left(&mut self, payload: u32);
    /// Larger for better splits; both sides have rows.
    fn score(&self) -> f64;
}

/// Gini's impurity where every row counts as often as it was drawn: whole numbers, so sums are exact.
pub(super) struct GiniCounts<'a> {
    classes: &'a [u32],
    counts: &'a [u32],
    total: Vec<i64>,
    left: Vec<i64>,
    right: Vec<i64>,
    squares: (i64, i64),
    n: (i64, i64),
}

impl<'a> GiniCounts<'a> {
    pub(super) fn new(classes: &'a [u32], n_classes: usize, counts: &'a [u32]) -> Self {
        let zeros = vec![0; n_classes];
        Self { classes, counts, total: zeros.clone(), left: zeros.clone(), right: zeros, squares: (0, 0), n: (0, 0) }
    }
}

impl Sums for GiniCounts<'_> {
    fn summarise(&mut self, rows: &[u32], values: &mut Vec<f64>) -> Summary {
        self.total.fill(0);
        for &row_idx in rows {
            self.total[self.classes[row_idx as usize] as usize] += i64::from(self.counts[row_idx as usize]);
        }
        let weight = self.total.iter().sum::<i64>() as f64;
        values.extend(self.total.iter().map(|&count| count as f64 / weight));
        let squares = self.total.iter().map(|count| count * count).sum::<i64>() as f64;
        let pure = self.total.iter().filter(|count| **count > 0).count() <= 1;
        let impurity = if pure { 0.0 } else { 1.0 - squares / (weight * weight) };
        Summary { weight, impurity, impurity_unit: 1.0, pure }
    }

    #[inline]
    fn payload(&self, row_idx: u32) -> u32 {
        self.counts[row_idx as usize] << 8 | self.classes[row_idx as usize]
    }

    fn start(&mut self) {
        self.left.fill(0);
        self.right.copy_from_slice(&self.total);
        self.squares = (0, self.total.iter().map(|count| count * count).sum());
        self.n = (0, self.total.iter().sum());
    }

    #[inline]
    fn move_left(&mut self, payload: u32) {
        let (class, count) = ((payload & 0xff) as usize, i64::from(payload >> 8));
        let (left, right) = (&mut self.left[class], &mut self.right[class]);
        self.squares.0 += count * (2 * *left + count);
        self.squares.1 -= count * (2 * *right - count);
        *left += count;
        *right -= count;
        self.n.0 += count;
        self.n.1 -= count;
    }

    #[inline]
    fn score(&self) -> f64 {
        self.squares.0 as f64 / self.n.0 as f64 + self.squares.1 as f64 / self.n.1 as f64
    }
}

/// The impurity of weighted classes.
pub(super) struct ClassSums<'a> {
    classes: &'a [u32],
    weights: &'a [f64],
    criterion: Criterion,
    total: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
    /// Rows of each class on the right: what is left of a weight after its last row has gone must be 0.
    n_total: Vec<u32>,
    n_right: Vec<u32>,
    /// Sums of `term` over the classes.
    terms: (f64, f64),
    weight: (f64, f64),
    /// `term` of whole numbers, if all weights are whole.
    whole: Vec<f64>,
}

impl<'a> ClassSums<'a> {
    pub(super) fn new(
        classes: &'a [u32],
        n_classes: usize,
        weights: &'a [f64],
        criterion: Criterion,
        whole_total: Option<u64>,
    ) -> Self {
        let zeros = vec![0.0; n_classes];
        let whole = match (criterion, whole_total) {
            (Criterion::Entropy, Some(total)) => (0..=total).map(|n| entropy_term(n as f64)).collect(),
            (Criterion::Gini, _) | (Criterion::Entropy, None) => Vec::new(),
        };
        Self {
            classes,
            weights,
            criterion,
            total: zeros.clone(),
            left: zeros.clone(),
            right: zeros,
            n_total: vec![0; n_classes],
            n_right: vec![0; n_classes],
            terms: (0.0, 0.0),
            weight: (0.0, 0.0),
            whole,
        }
    }

    fn term(&self, weight: f64) -> f64 {
        match self.criterion {
            Criterion::Gini => weight * weight,
            Criterion::Entropy => match self.whole.get(weight as usize) {
                Some(&term) => term,
                None => entropy_term(weight),
            },
        }
    }
}

/// `w ln w`, 0 at 0.
fn entropy_term(weight: f64) -> f64 {
    if weight > 0.0 { weight * numeric::ln(weight) } else { 0.0 }
}

impl Sums for ClassSums<'_> {
    fn summarise(&mut self, rows: &[u32], values: &mut Vec<f64>) -> Summary {
        self.total.fill(0.0);
        self.n_total.fill(0);
        for &row_idx in rows {
            let class = self.classes[row_idx as usize] as usize;
            self.total[class] += self.weights[row_idx as usize];
            self.n_total[class] += 1;
        }
        let weight: f64 = self.total.iter().sum();
        let first = values.len();
        values.extend(self.total.iter().map(|class| class / weight));
        let shares = &values[first..];
        let pure = self.n_total.iter().filter(|n| **n > 0).count() <= 1;
        let impurity = match self.criterion {
            _ if pure => 0.0,
            Criterion::Gini => 1.0 - shares.iter().map(|share| share * share).sum::<f64>(),
            Criterion::Entropy => {
                -shares.iter().map(|&share| entropy_term(share)).sum::<f64>() / std::f64::consts::LN_2
            }
        };
        Summary { weight, impurity: impurity.max(0.0), impurity_unit: 1.0, pure }
    }

    #[inline]
    fn payload(&self, row_idx: u32) -> u32 {
        row_idx
    }

    fn start(&mut self) {
        self.left.fill(0.0);
        self.right.copy_from_slice(&self.total);
        self.n_right.copy_from_slice(&self.n_total);
        self.terms = (0.0, self.total.iter().map(|&weight| self.term(weight)).sum());
        self.weight = (0.0, self.total.iter().sum());
    }

    fn move_left(&mut self, payload: u32) {
        let class = self.classes[payload as usize] as usize;
        let weight = self.weights[payload as usize];
        let (left, right) = (self.left[class], self.right[class]);
        self.n_right[class] -= 1;
        let rest = if self.n_right[class] == 0 { 0.0 } else { (right - weight).max(0.0) };
        self.terms.0 += self.term(left + weight) - self.term(left);
        self.terms.1 += self.term(rest) - self.term(right);
        self.left[class] = left + weight;
        self.right[class] = rest;
        self.weight.0 += weight;
        self.weight.1 -= weight;
    }

    fn score(&self) -> f64 {
        let side = |terms: f64, weight: f64| match self.criterion {
            Criterion::Gini => terms / weight.max(f64::MIN_POSITIVE),
            Criterion::Entropy => terms - self.term(weight.max(0.0)),
        };
        side(self.terms.0, self.weight.0) + side(self.terms.1, self.weight.1)
    }
}

/// The variance of numbers.
pub(super) struct Variance<'a> {
    y: &'a [f64],
    unit: f64,
    weights: &'a [f64],
    mean: f64,
    /// Sum of the weights, and of the weighted differences to the mean, which is 0 but for rounding.
    total: (f64, f64),
    left: (f64, f64),
}

impl<'a> Variance<'a> {
    pub(super) fn new(y: &'a [f64], unit: f64, weights: &'a [f64]) -> Self {
        Self { y, unit, weights, mean: 0.0, total: (0.0, 0.0), left: (0.0, 0.0) }
    }
}

impl Sums for Variance<'_> {
    fn summarise(&mut self, rows: &[u32], values: &mut Vec<f64>) -> Summary {
        // Differences to the first row: equal numbers have exactly their value as mean.
        let first = rows.first().map_or(0.0, |&row_idx| self.y[row_idx as usize]);
        let (mut weight, mut sum, mut pure) = (0.0, 0.0, true);
        for &row_idx in rows {
            let y = self.y[row_idx as usize];
            weight += self.weights[row_idx as usize];
            sum += self.weights[row_idx as usize] * (y - first);
            pure &= y == first;
        }
        self.mean = first + sum / weight;
        let (mut rest, mut squares) = (0.0, 0.0);
        for &row_idx in rows {
            let difference = self.y[row_idx as usize] - self.mean;
            rest += self.weights[row_idx as usize] * difference;
            squares += self.weights[row_idx as usize] * difference * difference;
        }
        self.total = (weight, rest);
        values.push(self.mean * self.unit);
        let impurity = if pure { 0.0 } else { squares / weight };
        Summary { weight, impurity, impurity_unit: self.unit * self.unit, pure }
    }

    #[inline]
    fn payload(&self, row_idx: u32) -> u32 {
        row_idx
    }

    fn start(&mut self) {
        self.left = (0.0, 0.0);
    }

    #[inline]
    fn move_left(&mut self, payload: u32) {
        let weight = self.weights[payload as usize];
        self.left.0 += weight;
        self.left.1 += weight * (self.y[payload as usize] - self.mean);
    }

    #[inline]
    fn score(&self) -> f64 {
        let right = (self.total.0 - self.left.0, self.total.1 - self.left.1);
        self.left.1 * self.left.1 / self.left.0 + right.1 * right.1 / right.0.max(f64::MIN_POSITIVE)
    }
}
