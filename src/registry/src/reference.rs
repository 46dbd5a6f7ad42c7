//! What the columns of the training rows looked like, so that later rows can be compared with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most values of a column that are kept.
pub const SAMPLE_LIMIT: usize = 2_000;
const N_BINS: usize = 10;

/// What the columns of the training rows looked like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Rows that were looked at.
    pub n_rows: u64,
    /// The columns of the signature, in its order.
    pub inputs: Vec<ColumnReference>,
    /// What the model says of those rows: the number, or the class.
    pub prediction: Option<ColumnReference>,
}

/// What one column looked like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnReference {
    /// Its name.
    pub name: String,
    /// Rows without a value.
    pub n_missing: u64,
    /// The values of the others.
    pub shape: Shape,
}

/// How values are spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Shape {
    /// Numbers, whole numbers and date-times.
    Numbers {
        /// Mean.
        mean: f64,
        /// Standard deviation with `n - 1`; 0 for less than two values.
        std: f64,
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// The inner edges of at most ten bins, strictly ascending; bin `i` holds the values from edge `i - 1`, included,
        /// to edge `i`, excluded, the first and the last bin all that lie beyond. Up to ten different values have a bin
        /// each; of more, bins hold equally many, but for values that come so often that they fill several.
        edges: Vec<f64>,
        /// Values in each bin: one more than edges.
        counts: Vec<u64>,
        /// At most [`SAMPLE_LIMIT`] of the values, evenly taken in ascending order.
        sample: Vec<f64>,
    },
    /// Categories, booleans and texts; of texts only the most frequent.
    Categories {
        /// In ascending order.
        names: Vec<String>,
        /// How often each was seen.
        counts: Vec<u64>,
        /// Values that are none of the names.
        n_others: u64,
    },
}

impl ColumnReference {
    /// Of numbers. What is not finite is missing.
    pub fn of_numbers(name: impl Into<String>, values: &[Option<f64>]) -> Self {
        let mut sorted: Vec<f64> = values.iter().flatten().copied().filter(|x| x.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len();
        let mean = sorted.iter().sum::<f64>() / n.max(1) as f64;
        let squares: f64 = sorted.iter().map(|x| (x - mean) * (x - mean)).sum();
        let edges = edges(&sorted);
        let mut counts = vec![0; edges.len() + 1];
        sorted.iter().for_each(|x| counts[bin_of(&edges, *x)] += 1);
        let n_kept = n.min(SAMPLE_LIMIT);
        let shape = Shape::Numbers {
            mean,
            std: if n < 2 { 0.0 } else { (squares / (n - 1) as f64).sqrt() },
            min: sorted.first().copied().unwrap_or_default(),
            max: sorted.last().copied().unwrap_or_default(),
            edges,
            counts,
            // From the middle of each of as many equal parts.
            sample: (0..n_kept).map(|at| sorted[(2 * at + 1) * n / (2 * n_kept)]).collect(),
        };
        Self { name: name.into(), n_missing: (values.len() - n) as u64, shape }
    }

    /// Of categories, booleans or texts; only the `most` that come most often are named.
    pub fn of_categories<'a>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<&'a str>>,
        most: usize,
    ) -> Self {
        let (mut n_missing, mut counts) = (0, BTreeMap::<&str, u64>::new());
        for value in values {
            match value {
                Some(value) => *counts.entry(value).or_default() += 1,
                None => n_missing += 1,
            }
        }
        let mut by_count: Vec<(&str, u64)> = counts.into_iter().collect();
        by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let n_others = by_count.iter().skip(most).map(|(_, count)| count).sum();
        let named: BTreeMap<&str, u64> = by_count.into_iter().take(most).collect();
        let names = named.keys().map(|name| (*name).to_owned()).collect();
        let shape = Shape::Categories { names, counts: named.into_values().collect(), n_others };
        Self { name: name.into(), n_missing, shape }
    }
}

/// The bin that holds a number.
pub fn bin_of(edges: &[f64], x: f64) -> usize {
    edges.partition_point(|edge| *edge <= x)
}

/// The edges of the bins of ascending values.
fn edges(sorted: &[f64]) -> Vec<f64> {
    let mut different = sorted.to_vec();
    different.dedup();
    if different.len() > N_BINS {
        different = (0..N_BINS).map(|bin| sorted[bin * sorted.len() / N_BINS]).collect();
        different.dedup();
    }
    // The first bin begins at the smallest value, so that is no edge.
    different.into_iter().skip(1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: impl IntoIterator<Item = f64>) -> ColumnReference {
        let values: Vec<Option<f64>> = values.into_iter().map(Some).collect();
        ColumnReference::of_numbers("x", &values)
    }

    fn bins(column: &ColumnReference) -> (&[f64], &[u64]) {
        match &column.shape {
            Shape::Numbers { edges, counts, .. } => (edges, counts),
            Shape::Categories { .. } => panic!("{column:?}"),
        }
    }

    #[test]
    fn numbers_are_told_by_tenths() {
        let column = ColumnReference::of_numbers("x", &[Some(4.0), None, Some(2.0), Some(f64::NAN), Some(6.0)]);
        let expected = Shape::Numbers {
            mean: 4.0,
            std: 2.0,
            min: 2.0,
            max: 6.0,
            edges: vec![4.0, 6.0],
            counts: vec![1, 1, 1],
            sample: vec![2.0, 4.0, 6.0],
        };
        assert_eq!(column, ColumnReference { name: "x".into(), n_missing: 2, shape: expected });
        let hundred = numbers((0..100).map(f64::from));
        assert_eq!(
            bins(&hundred),
            ([10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0].as_slice(), [10; 10].as_slice())
        );
    }

    #[test]
    fn few_values_have_a_bin_each_and_frequent_ones_fill_several() {
        let rare = numbers((0..100).map(|i| f64::from(u8::from(i == 7))));
        assert_eq!(bins(&rare), ([1.0].as_slice(), [99, 1].as_slice()));
        let mostly_zero = numbers((0..100).map(|i| f64::from((i - 75).max(0))));
        assert_eq!(bins(&mostly_zero), ([5.0, 15.0].as_slice(), [80, 10, 10].as_slice()));
        assert_eq!(bins(&numbers([3.0; 5])), ([].as_slice(), [5].as_slice()));
        assert_eq!(bins(&numbers([])), ([].as_slice(), [0].as_slice()));
    }

    #[test]
    fn a_sample_of_many_values_is_spread_like_them() {
        let column = numbers((0..10_000).map(f64::from));
        let Shape::Numbers { sample, .. } = column.shape else { panic!("numbers") };
        assert_eq!((sample.len(), sample[0], sample[1], sample[1_999]), (SAMPLE_LIMIT, 2.0, 7.0, 9_997.0));
    }

    #[test]
    fn of_texts_only_the_most_frequent_are_named() {
        let values = ["b", "a", "c", "c", "b", "d"].map(Some).into_iter().chain([None]);
        let column = ColumnReference::of_categories("plan", values, 3);
        let expected =
            Shape::Categories { names: ["a", "b", "c"].map(String::from).to_vec(), counts: vec![1, 2, 2], n_others: 1 };
        assert_eq!(column, ColumnReference { name: "plan".into(), n_missing: 1, shape: expected });
    }
}
