//! From what a model says to how often it is so: curves fitted to rows that it was not trained on.

use model::Curve;
use serde::{Deserialize, Serialize};

use crate::FitError;
use crate::sigmoid::fit_sigmoid;

/// What form a curve has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CalibrationMethod {
    /// An S of two numbers (Platt).
    #[default]
    Sigmoid,
    /// Any that never falls (isotonic regression).
    Isotonic,
}

/// The curve from scores to the share of positive rows.
///
/// # Errors
/// Numbers too large.
pub fn fit(
    method: CalibrationMethod,
    scores: &[f64],
    is_positive: &[bool],
    weights: Option<&[f64]>,
) -> Result<Curve, FitError> {
    match method {
        CalibrationMethod::Sigmoid => {
            let (slope, offset) = fit_sigmoid(scores, is_positive, weights);
            if slope.is_finite() && offset.is_finite() {
                Ok(Curve::Sigmoid { slope, offset })
            } else {
                Err(FitError::Overflow)
            }
        }
        CalibrationMethod::Isotonic => Ok(steps(scores, is_positive, weights)),
    }
}

/// Rows that have the same value.
struct Block {
    first: f64,
    last: f64,
    weight: f64,
    positive: f64,
}

impl Block {
    fn mean(&self) -> f64 {
        self.positive / self.weight
    }

    fn take(&mut self, next: &Self) {
        self.last = next.last;
        self.weight += next.weight;
        self.positive += next.positive;
    }
}

/// The rising curve with the least squared error: neighbours that fall are pooled until none does (Ayer, Brunk, Ewing, Reid
/// and Silverman, An empirical distribution function for sampling with incomplete information, 1955).
///
/// Scores that differ by less than rounding does are one, as in scikit-learn: many a learner says 1e-20 and 1e-30 and means
/// the same.
fn steps(scores: &[f64], is_positive: &[bool], weights: Option<&[f64]>) -> Curve {
    const LEAST: f64 = 1e-15;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|one, other| scores[*one].total_cmp(&scores[*other]));
    let mut points: Vec<Block> = Vec::new();
    for row_idx in order {
        let weight = weights.map_or(1.0, |weights| weights[row_idx]);
        let (score, positive) = (scores[row_idx], if is_positive[row_idx] { weight } else { 0.0 });
        let point = Block { first: score, last: score, weight, positive };
        match points.last_mut() {
            Some(same) if score - same.first < LEAST => same.take(&Block { last: same.last, ..point }),
            Some(_) | None => points.push(point),
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    for point in points {
        blocks.push(point);
        while let [.., before, last] = blocks.as_mut_slice()
            && before.mean() >= last.mean()
        {
            before.take(last);
            blocks.pop();
        }
    }
    let ends = |block: &Block| {
        let end = |score| (score, block.mean());
        std::iter::once(end(block.first)).chain((block.last > block.first).then(|| end(block.last)))
    };
    let (scores, probabilities) = blocks.iter().flat_map(ends).unzip();
    Curve::Steps { scores, probabilities }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn curve(rows: &[(f64, bool)], weights: Option<&[f64]>) -> (Vec<f64>, Vec<f64>) {
        let (scores, is_positive): (Vec<f64>, Vec<bool>) = rows.iter().copied().unzip();
        match steps(&scores, &is_positive, weights) {
            Curve::Steps { scores, probabilities } => (scores, probabilities),
            Curve::Sigmoid { .. } => panic!("steps"),
        }
    }

    #[test]
    fn neighbours_that_fall_are_pooled() {
        let rows = [(0.1, false), (0.2, true), (0.3, false), (0.4, true), (0.4, true), (0.9, true)];
        assert_eq!(curve(&rows, None), (vec![0.1, 0.2, 0.3, 0.4, 0.9], vec![0.0, 0.5, 0.5, 1.0, 1.0]));
    }

    #[test]
    fn rows_of_one_score_have_one_value_and_weights_count() {
        let rows = [(0.5, true), (0.5, false), (0.5, false)];
        assert_eq!(curve(&rows, None), (vec![0.5], vec![1.0 / 3.0]));
        assert_eq!(curve(&rows, Some(&[2.0, 1.0, 1.0])), (vec![0.5], vec![0.5]));
    }

    proptest! {
        #[test]
        fn a_curve_rises_and_keeps_the_mean(rows in prop::collection::vec((0..20u8, any::<bool>()), 1..60)) {
            let rows: Vec<(f64, bool)> = rows.into_iter().map(|(score, truth)| (f64::from(score) / 8.0, truth)).collect();
            let (scores, probabilities) = curve(&rows, None);
            prop_assert!(scores.is_sorted_by(|one, next| one < next) && probabilities.is_sorted());
            let curve = Curve::Steps { scores, probabilities };
            let said: f64 = rows.iter().map(|(score, _)| curve.at(*score)).sum();
            let positive = rows.iter().filter(|(_, truth)| *truth).count() as f64;
            prop_assert!((said - positive).abs() < 1e-9);
        }
    }
}
