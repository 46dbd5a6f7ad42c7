//! The constant baseline: the same prediction for every row.

use model::Baseline;
use serde::{Deserialize, Serialize};

/// Which constant is predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineSettings {
    /// For a number.
    pub number: BaselineNumber,
    /// For a class.
    pub class: BaselineClass,
}

/// Which number is predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BaselineNumber {
    /// The mean of the target, which has the least squared error.
    #[default]
    Mean,
    /// The median of the target, which has the least absolute error; of two middle values their mean.
    Median,
}

/// Which class probabilities are predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BaselineClass {
    /// The shares of the classes.
    #[default]
    Prior,
    /// 1 for the most frequent class, the first of equals.
    MostFrequent,
}

/// The constant for a number. `y` is not empty and finite.
pub fn fit_numbers(settings: &BaselineSettings, y: &[f64], weights: Option<&[f64]>) -> Baseline {
    let value = match settings.number {
        BaselineNumber::Mean => {
            let total: f64 = weights.map_or(y.len() as f64, |weights| weights.iter().sum());
            // Dividing before adding keeps the sum of huge numbers finite.
            (0..y.len()).map(|row_idx| y[row_idx] * (weights.map_or(1.0, |weights| weights[row_idx]) / total)).sum()
        }
        BaselineNumber::Median => weighted_median(y, weights),
    };
    Baseline { values: vec![value] }
}

/// The constant probabilities. `classes` is not empty, each below `n_classes`.
pub fn fit_classes(
    settings: &BaselineSettings,
    classes: &[u32],
    n_classes: usize,
    weights: Option<&[f64]>,
) -> Baseline {
    let mut shares = vec![0.0; n_classes];
    for (row_idx, &class) in classes.iter().enumerate() {
        shares[class as usize] += weights.map_or(1.0, |weights| weights[row_idx]);
    }
    let total: f64 = shares.iter().sum();
    match settings.class {
        BaselineClass::Prior => shares.iter_mut().for_each(|share| *share /= total),
        BaselineClass::MostFrequent => {
            let mut best = 0;
            for (class, share) in shares.iter().enumerate() {
                if *share > shares[best] {
                    best = class;
                }
            }
            shares.fill(0.0);
            shares[best] = 1.0;
        }
    }
    Baseline { values: shares }
}

/// The value at which half of the weight is reached; where it is reached exactly, the mean of that value and the next.
fn weighted_median(y: &[f64], weights: Option<&[f64]>) -> f64 {
    let weight = |row_idx: usize| weights.map_or(1.0, |weights| weights[row_idx]);
    let mut order: Vec<usize> = (0..y.len()).filter(|&row_idx| weight(row_idx) > 0.0).collect();
    order.sort_by(|&a, &b| y[a].total_cmp(&y[b]).then(a.cmp(&b)));
    let half = order.iter().map(|&row_idx| weight(row_idx)).sum::<f64>() / 2.0;
    let mut reached = 0.0;
    for (position, &row_idx) in order.iter().enumerate() {
        reached += weight(row_idx);
        if reached > half {
            return y[row_idx];
        }
        if reached == half {
            let next = order.get(position + 1).map_or(y[row_idx], |&next| y[next]);
            return y[row_idx] / 2.0 + next / 2.0;
        }
    }
    order.last().map_or(0.0, |&row_idx| y[row_idx])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_mean_and_a_median() {
        let median = BaselineSettings { number: BaselineNumber::Median, ..BaselineSettings::default() };
        let y = [4.0, 1.0, 2.0, 9.0];
        assert_eq!(fit_numbers(&BaselineSettings::default(), &y, None).values, [4.0]);
        assert_eq!(fit_numbers(&median, &y, None).values, [3.0]);
        assert_eq!(fit_numbers(&median, &y, Some(&[0.0, 1.0, 0.0, 3.0])).values, [9.0]);
    }

    #[test]
    fn classes_have_shares_and_a_most_frequent_one() {
        let frequent = BaselineSettings { class: BaselineClass::MostFrequent, ..BaselineSettings::default() };
        assert_eq!(fit_classes(&BaselineSettings::default(), &[0, 2, 2, 1], 3, None).values, [0.25, 0.25, 0.5]);
        assert_eq!(fit_classes(&frequent, &[0, 2, 2, 1, 1], 3, None).values, [0.0, 1.0, 0.0]);
    }

    #[test]
    fn the_mean_of_huge_numbers_is_finite() {
        assert_eq!(fit_numbers(&BaselineSettings::default(), &[1e308, 1e308], None).values, [1e308]);
    }
}
