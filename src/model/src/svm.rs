//! Support vectors: training rows that border on the other side, and what each of them weighs.

use serde::{Deserialize, Serialize};

use crate::{Lanes, Matrix};

/// A support vector machine, of several machines for more than two classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupportVectors {
    /// How alike two rows are.
    pub kernel: Kernel,
    /// Subtracted from and divided out of each column first, as learned in training.
    pub scaling: Option<Vec<(f64, f64)>>,
    /// Row by row, scaled; machines share them.
    pub vectors: Vec<f64>,
    /// Columns of the matrix.
    pub n_columns: usize,
    /// One for a number or two classes, else one for each pair of classes.
    pub machines: Vec<Machine>,
    /// Classes; 0 if it predicts a number.
    pub n_classes: usize,
}

/// One border, or one curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The classes on its negative and its positive side.
    pub classes: (u32, u32),
    /// Which vectors, and what each weighs.
    pub weights: Vec<(u32, f64)>,
    /// Added to the weighted sum.
    pub bias: f64,
    /// From a decision to the probability of the positive side: slope and offset of the log odds.
    pub sigmoid: (f64, f64),
}

/// How alike two rows are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kernel {
    /// `x · y`.
    Linear,
    /// `exp(-gamma |x - y|²)`.
    Rbf {
        /// One over the square of how far a row reaches.
        gamma: f64,
    },
    /// `(gamma x · y + coef0)^degree`.
    Polynomial {
        /// Exponent.
        degree: u32,
        /// Factor.
        gamma: f64,
        /// Constant term.
        coef0: f64,
    },
}

impl Kernel {
    /// How alike each row of a group is to a point.
    #[inline]
    pub fn of_group(&self, rows: &Lanes, group_idx: usize, point: &[f64]) -> [f64; Lanes::WIDTH] {
        match *self {
            Self::Linear => rows.dots(group_idx, point),
            Self::Rbf { gamma } => rows.squared_distances(group_idx, point).map(|square| numeric::exp(-gamma * square)),
            Self::Polynomial { degree, gamma, coef0 } => {
                rows.dots(group_idx, point).map(|dot| power(gamma * dot + coef0, degree))
            }
        }
    }
}

/// By repeated squaring.
fn power(mut base: f64, mut exponent: u32) -> f64 {
    let mut result = 1.0;
    while exponent > 0 {
        if exponent % 2 == 1 {
            result *= base;
        }
        base *= base;
        exponent /= 2;
    }
    result
}

impl SupportVectors {
    /// A number per row, or the probabilities of the classes row by row.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        let decisions = self.decisions(x);
        if self.n_classes == 0 {
            return decisions;
        }
        // LIBSVM ends at the same distance.
        let tolerance = 0.005 / self.n_classes as f64;
        let sides: Vec<(u32, u32)> = self.machines.iter().map(|machine| machine.classes).collect();
        let mut predicted = Vec::with_capacity(x.n_rows * self.n_classes);
        for decisions in decisions.chunks_exact(self.machines.len().max(1)) {
            let of_positive = |(machine, decision): (&Machine, &f64)| {
                let (slope, offset) = machine.sigmoid;
                1.0 / (1.0 + numeric::exp(-(slope * decision + offset)))
            };
            let pairs: Vec<f64> = self.machines.iter().zip(decisions).map(of_positive).collect();
            predicted.extend(coupled(&sides, &pairs, self.n_classes, tolerance));
        }
        predicted
    }

    /// What each machine says of each row, row by row: above 0 is its positive side.
    pub fn decisions(&self, x: &Matrix) -> Vec<f64> {
        let n_vectors = self.vectors.len() / self.n_columns.max(1);
        let vectors =
            Lanes::new(n_vectors, self.n_columns, |idx, column_idx| self.vectors[idx * self.n_columns + column_idx]);
        let mut decisions = Vec::with_capacity(x.n_rows * self.machines.len());
        let mut likeness = vec![0.0; vectors.n_groups() * Lanes::WIDTH];
        for row_idx in 0..x.n_rows {
            let row: Vec<f64> = (0..self.n_columns)
                .map(|column_idx| match &self.scaling {
                    Some(scaling) => (x.at(row_idx, column_idx) - scaling[column_idx].0) / scaling[column_idx].1,
                    None => x.at(row_idx, column_idx),
                })
                .collect();
            for (group_idx, likeness) in likeness.chunks_exact_mut(Lanes::WIDTH).enumerate() {
                likeness.copy_from_slice(&self.kernel.of_group(&vectors, group_idx, &row));
            }
            decisions.extend(self.machines.iter().map(|machine| {
                machine.bias + machine.weights.iter().map(|&(idx, w)| w * likeness[idx as usize]).sum::<f64>()
            }));
        }
        decisions
    }
}

/// Probabilities of the classes that agree best with those of the pairs: the second method of Wu, Lin and Weng,
/// Probability estimates for multi-class classification by pairwise coupling, 2004.
///
/// `sides` are the classes on the negative and the positive side of each pair, `pairs` the probabilities of the latter.
pub(crate) fn coupled(sides: &[(u32, u32)], pairs: &[f64], n_classes: usize, tolerance: f64) -> Vec<f64> {
    /// Away from certainty, which would leave the others no say.
    const LEAST: f64 = 1e-7;
    const MAX_ROUNDS: usize = 100;
    let k = n_classes;
    if k == 2 {
        return pairs.first().map_or_else(|| vec![0.5; 2], |p| vec![1.0 - p, *p]);
    }
    // r[i][j]: the probability of i where it is i or j.
    let mut r = vec![0.5; k * k];
    for ((negative, positive), p) in sides.iter().zip(pairs) {
        let (negative, positive) = (*negative as usize, *positive as usize);
        let p = p.clamp(LEAST, 1.0 - LEAST);
        r[positive * k + negative] = p;
        r[negative * k + positive] = 1.0 - p;
    }
    let mut q = vec![0.0; k * k];
    for i in 0..k {
        for j in (0..k).filter(|j| *j != i) {
            q[i * k + i] += r[j * k + i] * r[j * k + i];
            q[i * k + j] = -r[j * k + i] * r[i * k + j];
        }
    }
    let mut p = vec![1.0 / k as f64; k];
    for _ in 0..MAX_ROUNDS {
        let mut qp: Vec<f64> = q.chunks_exact(k).map(|row| row.iter().zip(&p).map(|(q, p)| q * p).sum()).collect();
        let mut pqp: f64 = p.iter().zip(&qp).map(|(p, qp)| p * qp).sum();
        let farthest = qp.iter().fold(0.0f64, |farthest, qp| farthest.max((qp - pqp).abs()));
        if farthest < tolerance {
            break;
        }
        for t in 0..k {
            let step = (pqp - qp[t]) / q[t * k + t];
            p[t] += step;
            let norm = 1.0 + step;
            pqp = (pqp + step * (step * q[t * k + t] + 2.0 * qp[t])) / (norm * norm);
            for j in 0..k {
                qp[j] = (qp[j] + step * q[t * k + j]) / norm;
                p[j] /= norm;
            }
        }
    }
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
    p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_agree_give_back_the_probabilities_they_came_from() {
        let sides = [(0, 1), (0, 2), (1, 2)];
        let p = [0.2, 0.5, 0.3];
        let of = |(negative, positive): &(u32, u32)| (p[*negative as usize], p[*positive as usize]);
        let pairs: Vec<f64> =
            sides.iter().map(of).map(|(negative, positive)| positive / (negative + positive)).collect();
        for (found, expected) in coupled(&sides, &pairs, 3, 0.005 / 3.0).iter().zip(p) {
            assert!((found - expected).abs() < 2e-3, "{found} {expected}");
        }
    }

    #[test]
    fn kernels_are_their_formulas() {
        let rows = Lanes::new(1, 2, |_, column_idx| [1.0, 2.0][column_idx]);
        let of = |kernel: Kernel| kernel.of_group(&rows, 0, &[3.0, -1.0])[0];
        assert_eq!(of(Kernel::Linear), 1.0);
        assert_eq!(of(Kernel::Polynomial { degree: 3, gamma: 2.0, coef0: 1.0 }), 27.0);
        assert_eq!(of(Kernel::Rbf { gamma: 0.5 }), numeric::exp(-6.5));
    }
}
