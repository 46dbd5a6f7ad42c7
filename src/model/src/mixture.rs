//! Normal distributions that rows may come from.

use serde::{Deserialize, Serialize};

use crate::Lanes;

/// Normal distributions about the centres of a clustering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// How each may be stretched.
    pub covariance: Covariance,
    /// The share of the rows that each has.
    pub weights: Vec<f64>,
    /// What a difference to the centre is multiplied with to become one of a round distribution of variance 1. Of each
    /// distribution a lower triangle row by row with zeros above it, a number a column, or one number, by `covariance`.
    pub precisions: Vec<f64>,
    /// The logarithm of each share times the density at its centre.
    pub peaks: Vec<f64>,
    /// Mean logarithm of the density at the training rows, in scaled units.
    pub log_likelihood: f64,
    /// Rounds of the best start.
    pub n_iterations: u32,
    /// Whether the best start ended by itself.
    pub converged: bool,
}

/// How a normal distribution may be stretched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Covariance {
    /// In any direction.
    #[default]
    Full,
    /// Along the columns.
    Diagonal,
    /// The same in all directions.
    Spherical,
}

impl Covariance {
    /// Numbers of one distribution in `Mixture::precisions`.
    pub fn n_precisions(self, n_columns: usize) -> usize {
        match self {
            Self::Full => n_columns * n_columns,
            Self::Diagonal => n_columns,
            Self::Spherical => 1,
        }
    }

    /// Numbers of one distribution that fitting is free to choose.
    fn n_free(self, n_columns: usize) -> usize {
        match self {
            Self::Full => n_columns * (n_columns + 1) / 2,
            Self::Diagonal => n_columns,
            Self::Spherical => 1,
        }
    }
}

impl Mixture {
    /// Numbers that fitting was free to choose: shares, centres, covariances.
    pub fn n_parameters(&self, n_columns: usize) -> usize {
        let k = self.weights.len();
        k.saturating_sub(1) + k * (n_columns + self.covariance.n_free(n_columns))
    }

    /// `peaks` of these shares and precisions.
    pub fn peaks(covariance: Covariance, weights: &[f64], precisions: &[f64], n_columns: usize) -> Vec<f64> {
        const LN_TWO_PI: f64 = 1.837_877_066_409_345_5;
        let n_precisions = covariance.n_precisions(n_columns).max(1);
        let peak = |(weight, precisions): (&f64, &[f64])| {
            let diagonal = (0..n_columns).map(|j| match covariance {
                Covariance::Full => precisions[j * (n_columns + 1)],
                Covariance::Diagonal => precisions[j],
                Covariance::Spherical => precisions[0],
            });
            let log_determinant: f64 = diagonal.map(numeric::ln).sum();
            numeric::ln(*weight) + log_determinant - 0.5 * n_columns as f64 * LN_TWO_PI
        };
        weights.iter().zip(precisions.chunks_exact(n_precisions)).map(peak).collect()
    }

    /// The logarithms of each share times the density at the rows of one group.
    pub fn joint(&self, rows: &Lanes, group_idx: usize, centroids: &[f64]) -> Vec<[f64; Lanes::WIDTH]> {
        let d = rows.n_columns();
        let n_precisions = self.covariance.n_precisions(d).max(1);
        let parts = self.precisions.chunks_exact(n_precisions).zip(centroids.chunks_exact(d.max(1)));
        let mut differences = vec![[0.0; Lanes::WIDTH]; d];
        let one = |(peak, (precisions, centroid)): (&f64, (&[f64], &[f64]))| {
            let columns = rows.group(group_idx).chunks_exact(Lanes::WIDTH);
            for ((difference, column), center) in differences.iter_mut().zip(columns).zip(centroid) {
                (0..Lanes::WIDTH).for_each(|lane| difference[lane] = column[lane] - center);
            }
            let mut squares = [0.0; Lanes::WIDTH];
            for j in 0..d {
                let (row, of_row) = match self.covariance {
                    Covariance::Full => (&precisions[j * d..=j * d + j], &differences[..=j]),
                    Covariance::Diagonal => (&precisions[j..=j], &differences[j..=j]),
                    Covariance::Spherical => (precisions, &differences[j..=j]),
                };
                let mut whitened = [0.0; Lanes::WIDTH];
                for (precision, difference) in row.iter().zip(of_row) {
                    (0..Lanes::WIDTH).for_each(|lane| whitened[lane] += precision * difference[lane]);
                }
                (0..Lanes::WIDTH).for_each(|lane| squares[lane] += whitened[lane] * whitened[lane]);
            }
            squares.map(|square| peak - 0.5 * square)
        };
        self.peaks.iter().zip(parts).map(one).collect()
    }

    /// Makes probabilities of the joint logarithms, and tells the logarithm of the density at each row.
    pub fn share(joint: &mut [[f64; Lanes::WIDTH]]) -> [f64; Lanes::WIDTH] {
        std::array::from_fn(|lane| {
            // The largest is taken out, so that not all powers vanish.
            let largest = joint.iter().map(|joint| joint[lane]).fold(f64::NEG_INFINITY, f64::max);
            if !largest.is_finite() {
                // So far away that it is no more likely here than there.
                let equal = 1.0 / joint.len() as f64;
                joint.iter_mut().for_each(|joint| joint[lane] = equal);
                return largest;
            }
            let mut sum = 0.0;
            for joint in joint.iter_mut() {
                joint[lane] = numeric::exp(joint[lane] - largest);
                sum += joint[lane];
            }
            joint.iter_mut().for_each(|joint| joint[lane] /= sum);
            largest + numeric::ln(sum)
        })
    }
}
