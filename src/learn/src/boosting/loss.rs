//! What is made smaller, and how it changes with the score of a row.

use model::{Boosted, BoostedTree, Link, to_probabilities};
use numeric::Stream;

use super::grow::{Gradients, Grown};
use super::{BoostingSettings, Loss};
use crate::FitError;
use crate::dataset::Labels;
use crate::logistic::row_weights;

/// The labels and weights of all rows.
pub(super) struct Goal {
    kind: Kind,
    /// The numbers, in `unit`; of classes, their positions.
    y: Vec<f64>,
    /// Their mean is 1; `None` if all rows count the same.
    weights: Option<Vec<f64>>,
    /// A power of two, by which numbers are divided so that no square is beyond all numbers.
    unit: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Numbers(Loss),
    TwoClasses,
    Classes(usize),
}

/// A number of a count grows no larger than e to this power.
const MAX_LOG: f64 = 700.0;

impl Goal {
    pub(super) fn new(
        settings: &BoostingSettings,
        labels: &Labels,
        n_classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Self, FitError> {
        let (kind, y, unit, mut weights) = match labels {
            Labels::Numbers(y) => {
                // Counts go through a logarithm.
                let unit = if settings.loss == Loss::Poisson { 1.0 } else { crate::tree::power_of_two(y) };
                let y = y.iter().map(|y| y / unit).collect();
                (Kind::Numbers(settings.loss), y, unit, weights.map(<[f64]>::to_vec))
            }
            Labels::Classes(classes) => {
                let kind = if n_classes == 2 { Kind::TwoClasses } else { Kind::Classes(n_classes) };
                let y = classes.iter().map(|&class| f64::from(class)).collect();
                (kind, y, 1.0, row_weights(settings.class_weights, classes, n_classes, weights))
            }
        };
        if let Some(weights) = &mut weights {
            let unit = crate::tree::power_of_two(weights);
            weights.iter_mut().for_each(|weight| *weight /= unit);
            let mean = weights.iter().sum::<f64>() / weights.len() as f64;
            weights.iter_mut().for_each(|weight| *weight /= mean);
            if !weights.iter().all(|weight| weight.is_finite()) {
                return Err(FitError::Overflow);
            }
        }
        Ok(Self { kind, y, weights, unit })
    }

    fn weight(&self, row_idx: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row_idx])
    }

    /// The rows to learn from and those held out, as many of each class as its share; both ascending.
    pub(super) fn hold_out(&self, share: f64, stream: &mut Stream) -> (Vec<u32>, Vec<u32>) {
        let n_strata = match self.kind {
            Kind::Numbers(_) => 1,
            Kind::TwoClasses => 2,
            Kind::Classes(n_classes) => n_classes,
        };
        let mut strata = vec![Vec::new(); n_strata];
        for (row_idx, &y) in (0u32..).zip(&self.y) {
            strata[if n_strata == 1 { 0 } else { y as usize }].push(row_idx);
        }
        let (mut training, mut held_out) = (Vec::new(), Vec::new());
        for mut rows in strata {
            stream.shuffle(&mut rows);
            // One row at least stays to learn from.
            let n_held_out = ((rows.len() as f64 * share) as usize).min(rows.len().saturating_sub(1));
            held_out.extend(&rows[..n_held_out]);
            training.extend(&rows[n_held_out..]);
        }
        training.sort_unstable();
        held_out.sort_unstable();
        (training, held_out)
    }

    /// The scores that have the least loss if they are the same for every row.
    pub(super) fn base(&self, rows: &[u32]) -> Vec<f64> {
        let total: f64 = rows.iter().map(|&row_idx| self.weight(row_idx as usize)).sum();
        let mean =
            || rows.iter().map(|&row_idx| self.y[row_idx as usize] * (self.weight(row_idx as usize) / total)).sum();
        match self.kind {
            Kind::Numbers(Loss::Squared) => vec![mean()],
            Kind::Numbers(Loss::Absolute) => vec![self.quantile(rows, 0.5, &[])],
            Kind::Numbers(Loss::Quantile(quantile)) => vec![self.quantile(rows, quantile, &[])],
            Kind::Numbers(Loss::Poisson) => vec![numeric::ln(f64::max(mean(), f64::MIN_POSITIVE))],
            Kind::TwoClasses => {
                let p: f64 = mean();
                vec![numeric::ln(p / (1.0 - p))]
            }
            Kind::Classes(n_classes) => {
                let mut totals = vec![0.0; n_classes];
                for &row_idx in rows {
                    totals[self.y[row_idx as usize] as usize] += self.weight(row_idx as usize);
                }
                totals.iter().map(|class| numeric::ln(class / total)).collect()
            }
        }
    }

    /// With more than two classes, the probability of each by the scores: class by class, row by row.
    pub(super) fn shares(&self, scores: &[f64]) -> Vec<f64> {
        let Kind::Classes(n_classes) = self.kind else { return Vec::new() };
        let n_rows = self.y.len();
        let mut shares = vec![0.0; scores.len()];
        let mut row = vec![0.0; n_classes];
        for row_idx in 0..n_rows {
            (0..n_classes).for_each(|class| row[class] = scores[class * n_rows + row_idx]);
            to_probabilities(&mut row);
            (0..n_classes).for_each(|class| shares[class * n_rows + row_idx] = row[class]);
        }
        shares
    }

    /// The first and second derivative of each row's loss by one of its scores.
    pub(super) fn gradients(&self, scores: &[f64], shares: &[f64], score_idx: usize, out: &mut Gradients) {
        let rows = out.first.iter_mut().zip(&mut out.second).zip(self.y.iter().zip(scores));
        match self.kind {
            Kind::Numbers(Loss::Squared) => rows.for_each(|((g, h), (y, score))| (*g, *h) = (score - y, 1.0)),
            Kind::Numbers(Loss::Absolute) => {
                rows.for_each(|((g, h), (y, score))| (*g, *h) = (sign(score - y), 1.0));
            }
            Kind::Numbers(Loss::Quantile(quantile)) => rows.for_each(|((g, h), (y, score))| {
                (*g, *h) = (if score > y { 1.0 - quantile } else { -quantile }, 1.0);
            }),
            Kind::Numbers(Loss::Poisson) => rows.for_each(|((g, h), (y, score))| {
                let predicted = numeric::exp(score.min(MAX_LOG));
                (*g, *h) = (predicted - y, predicted);
            }),
            Kind::TwoClasses => of_two(&self.y, scores, &mut out.first, &mut out.second),
            Kind::Classes(_) => {
                let own = &shares[score_idx * self.y.len()..][..self.y.len()];
                for (((g, h), (y, _)), p) in rows.zip(own) {
                    (*g, *h) = (p - f64::from(u8::from(*y as usize == score_idx)), p * (1.0 - p));
                }
            }
        }
        if let Some(weights) = &self.weights {
            for ((g, h), weight) in out.first.iter_mut().zip(&mut out.second).zip(weights) {
                (*g, *h) = (*g * weight, *h * weight);
            }
        }
    }

    /// The mean loss of these rows.
    pub(super) fn loss(&self, scores: &[f64], rows: &[u32]) -> f64 {
        let n_rows = self.y.len();
        let mut total = (0.0, 0.0);
        let mut row = Vec::new();
        for row_idx in rows.iter().map(|&row_idx| row_idx as usize) {
            let (y, score) = (self.y[row_idx], scores[row_idx]);
            let loss = match self.kind {
                Kind::Numbers(Loss::Squared) => (score - y) * (score - y) / 2.0,
                Kind::Numbers(Loss::Absolute) => (score - y).abs(),
                Kind::Numbers(Loss::Quantile(quantile)) => {
                    if score >= y {
                        (1.0 - quantile) * (score - y)
                    } else {
                        quantile * (y - score)
                    }
                }
                Kind::Numbers(Loss::Poisson) => numeric::exp(score.min(MAX_LOG)) - y * score,
                // ln(1 + e^score) - y score, where neither power is beyond all numbers.
                Kind::TwoClasses => score.max(0.0) - y * score + numeric::ln_1p(numeric::exp(-score.abs())),
                Kind::Classes(n_classes) => {
                    row.clear();
                    row.extend((0..n_classes).map(|class| scores[class * n_rows + row_idx]));
                    to_probabilities(&mut row);
                    -numeric::ln(row[y as usize].max(f64::MIN_POSITIVE))
                }
            };
            let weight = self.weight(row_idx);
            total = (total.0 + weight * loss, total.1 + weight);
        }
        total.0 / total.1
    }

    /// Where a step of Newton's says too little, the value of a leaf is the one that has the least loss.
    pub(super) fn renew(&self, scores: &[f64], grown: &mut Grown<'_>) {
        let quantile = match self.kind {
            Kind::Numbers(Loss::Absolute) => 0.5,
            Kind::Numbers(Loss::Quantile(quantile)) => quantile,
            Kind::Numbers(Loss::Squared | Loss::Poisson) | Kind::TwoClasses | Kind::Classes(_) => return,
        };
        grown.set_values(|rows| self.quantile(rows, quantile, scores));
    }

    /// The quantile of what some rows are above their scores: between the two next to it, in proportion; of weighted
    /// rows the first at which that part of the weight is reached.
    fn quantile(&self, rows: &[u32], quantile: f64, scores: &[f64]) -> f64 {
        let rest = |row_idx: u32| self.y[row_idx as usize] - scores.get(row_idx as usize).copied().unwrap_or(0.0);
        let mut rests: Vec<(f64, f64)> =
            rows.iter().map(|&row_idx| (rest(row_idx), self.weight(row_idx as usize))).collect();
        rests.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        if self.weights.is_none() {
            let place = quantile * rests.len().saturating_sub(1) as f64;
            let low = rests.get(place as usize).map_or(0.0, |rest| rest.0);
            let high = rests.get(place as usize + 1).map_or(low, |rest| rest.0);
            return low + (high - low) * place.fract();
        }
        let wanted = quantile * rests.iter().map(|rest| rest.1).sum::<f64>();
        let mut reached = 0.0;
        let found = rests.iter().find(|rest| {
            reached += rest.1;
            reached >= wanted
        });
        found.or(rests.last()).map_or(0.0, |rest| rest.0)
    }

    /// The model, in the labels' own unit.
    pub(super) fn boosted(&self, mut trees: Vec<BoostedTree>, mut base: Vec<f64>, losses: Vec<f64>) -> Boosted {
        let link = match self.kind {
            Kind::Numbers(Loss::Squared | Loss::Absolute | Loss::Quantile(_)) => {
                base.iter_mut().for_each(|score| *score *= self.unit);
                trees.iter_mut().flat_map(|tree| &mut tree.tree.values).for_each(|value| *value *= self.unit);
                Link::Identity
            }
            Kind::Numbers(Loss::Poisson) => Link::Exp,
            Kind::TwoClasses => Link::Logistic,
            Kind::Classes(_) => Link::Softmax,
        };
        Boosted { trees, base, link, held_out_losses: losses }
    }
}

numeric::wide! {
    /// Of two classes: the first and second derivative of each row's loss by its score.
    fn of_two(y: &[f64], scores: &[f64], first: &mut [f64], second: &mut [f64]) {
        for ((y, score), (g, h)) in y.iter().zip(scores).zip(first.iter_mut().zip(second)) {
            // At most 1, so that nothing overflows.
            let e = numeric::exp_of_negative(-score.abs());
            let likely = 1.0 / (1.0 + e);
            let unlikely = e * likely;
            *g = if *score >= 0.0 { likely } else { unlikely } - y;
            *h = likely * unlikely;
        }
    }
}

fn sign(x: f64) -> f64 {
    f64::from(i8::from(x > 0.0) - i8::from(x < 0.0))
}
