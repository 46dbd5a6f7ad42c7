//! Which models are best together: forward selection with replacement, as in Caruana, Niculescu-Mizil, Crew and
//! Ksikes, Ensemble Selection from Libraries of Models (2004).

use learn::{Checkpoint, Stopped};
use protocol::N_PARTS;
use study::Goal;

use crate::metric::{Truth, measure};

/// Models are added so often at most; a model can be added again.
const N_ROUNDS: usize = 25;
/// So many different models at most: what Combine Models takes.
pub const MAX_MEMBERS: usize = 8;

/// Scores closer than this are equal: sums in another order differ by as much.
const EQUAL: f64 = 1e-12;

/// What several models say of the same rows.
pub struct Library<'a> {
    pub truth: Truth,
    /// Of each model, row by row.
    pub predicted: Vec<Vec<f64>>,
    pub metric: &'a str,
    pub goal: Goal,
}

/// What an ensemble is worth on rows that had no say in the choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Worth {
    pub value: f64,
    /// Of the best model alone.
    pub best_alone: f64,
    /// By how much the ensemble is better.
    pub gain: f64,
    pub standard_error: f64,
}

impl Library<'_> {
    /// These rows.
    fn of(&self, rows: &[usize]) -> Self {
        let width = self.truth.width();
        let gathered = |values: &Vec<f64>| {
            rows.iter().flat_map(|row_idx| values[row_idx * width..][..width].iter().copied()).collect()
        };
        let predicted = self.predicted.iter().map(gathered).collect();
        Self { truth: self.truth.of(rows), predicted, metric: self.metric, goal: self.goal }
    }

    /// Its worth, the larger the better.
    fn score(&self, predicted: &[f64]) -> f64 {
        let value = measure(self.metric, &self.truth, predicted);
        value.map_or(f64::NEG_INFINITY, |value| -self.goal.as_loss(value))
    }

    /// The weighted mean of what the models say.
    fn mean(&self, counts: &[u32]) -> Vec<f64> {
        let n = f64::from(counts.iter().sum::<u32>().max(1));
        let mut mean = vec![0.0; self.truth.n_rows() * self.truth.width()];
        for (values, count) in self.predicted.iter().zip(counts).filter(|(_, count)| **count > 0) {
            mean.iter_mut().zip(values).for_each(|(mean, value)| *mean += f64::from(*count) * value);
        }
        mean.iter_mut().for_each(|mean| *mean /= n);
        mean
    }

    /// How often each model is chosen.
    ///
    /// # Errors
    /// The work is no longer wanted.
    pub async fn choose(&self, checkpoint: &mut impl Checkpoint) -> Result<Vec<u32>, Stopped> {
        let mut counts = vec![0u32; self.predicted.len()];
        let mut best: (f64, Vec<u32>) = (f64::NEG_INFINITY, counts.clone());
        for round in 0..N_ROUNDS {
            let is_full = counts.iter().filter(|count| **count > 0).count() >= MAX_MEMBERS;
            let mut added: Option<(f64, usize)> = None;
            for idx in 0..counts.len() {
                if is_full && counts[idx] == 0 {
                    continue;
                }
                checkpoint.checkpoint(round as f64 / N_ROUNDS as f64, "Choosing an ensemble").await?;
                counts[idx] += 1;
                let score = self.score(&self.mean(&counts));
                counts[idx] -= 1;
                if added.is_none_or(|(highest, _)| score > highest + EQUAL) {
                    added = Some((score, idx));
                }
            }
            let Some((score, idx)) = added else { break };
            counts[idx] += 1;
            if score > best.0 + EQUAL {
                best = (score, counts.clone());
            }
        }
        Ok(best.1)
    }

    /// The best model alone, the first of equals.
    fn best_alone(&self) -> usize {
        let mut best = (f64::NEG_INFINITY, 0);
        for (idx, predicted) in self.predicted.iter().enumerate() {
            let score = self.score(predicted);
            if score > best.0 + EQUAL {
                best = (score, idx);
            }
        }
        best.1
    }

    /// The worth of the choice: on each part of the rows, that of what was chosen on all others.
    ///
    /// # Errors
    /// The work is no longer wanted.
    pub async fn worth(&self, checkpoint: &mut impl Checkpoint) -> Result<Worth, Stopped> {
        let n_rows = self.truth.n_rows();
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        for part in 0..N_PARTS {
            let (own, others): (Vec<usize>, Vec<usize>) = (0..n_rows).partition(|row_idx| row_idx % N_PARTS == part);
            let (own, others) = (self.of(&own), self.of(&others));
            let counts = others.choose(checkpoint).await?;
            together.push(own.score(&own.mean(&counts)));
            alone.push(own.score(&own.predicted[others.best_alone()]));
        }
        let gains: Vec<f64> = together.iter().zip(&alone).map(|(one, other)| one - other).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let gain = mean(&gains);
        let n = gains.len() as f64;
        let variance = gains.iter().map(|x| (x - gain) * (x - gain)).sum::<f64>() / (n - 1.0);
        let value = |scores: &[f64]| self.goal.as_loss(-mean(scores));
        Ok(Worth {
            value: value(&together),
            best_alone: value(&alone),
            gain,
            standard_error: numeric::sqrt(variance / n),
        })
    }
}

#[cfg(test)]
mod tests {
    use learn::Unwatched;
    use learn::block_on;
    use serde_json::Value as Json;

    use super::*;

    fn numbers(json: &Json) -> Vec<f64> {
        json.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    #[test]
    fn ensembles_are_those_that_numpy_and_scikit_learn_choose() {
        let cases: Json = serde_json::from_str(include_str!("../tests/reference/ensemble.json")).unwrap();
        for case in cases.as_array().unwrap() {
            let metric = case["metric"].as_str().unwrap();
            let truth = match case["n_classes"].as_u64().unwrap() as usize {
                0 => Truth::Numbers(numbers(&case["truth"])),
                n => Truth::Classes(numbers(&case["truth"]).into_iter().map(|class| class as u32).collect(), n),
            };
            let goal = if metric == "log_loss" { Goal::Minimize } else { Goal::Maximize };
            let predicted = case["predicted"].as_array().unwrap().iter().map(numbers).collect();
            let library = Library { truth, predicted, metric, goal };
            let counts = block_on(library.choose(&mut Unwatched)).unwrap();
            assert_eq!(counts.iter().map(|n| f64::from(*n)).collect::<Vec<_>>(), numbers(&case["counts"]), "{metric}");
            let worth = block_on(library.worth(&mut Unwatched)).unwrap();
            let pairs = [
                ("value", worth.value),
                ("best_alone", worth.best_alone),
                ("gain", worth.gain),
                ("standard_error", worth.standard_error),
            ];
            for (name, found) in pairs {
                let expected = case["worth"][name].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-12, "{metric} {name}: {found} and {expected}");
            }
        }
    }
}
