//! ROC, precision-recall, gain and reliability curves. Rows of equal score enter together, so their order does not matter.

use super::{MetricError, TURN_ROWS, check_finite, check_lengths, sum};
use crate::checkpoint::{Checkpoint, Unwatched, block_on};

/// How the rates of true and false alarms trade as the threshold falls.
#[derive(Clone, Debug, PartialEq)]
pub struct RocCurve {
    /// From (0, 0) to (1, 1); points on a straight line between two others are left out.
    pub points: Vec<RocPoint>,
    /// Area under it.
    pub auc: f64,
}

/// One threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Rows with at least this score are predicted positive; infinite at the first point.
    pub threshold: f64,
    /// Share of the negative rows that are.
    pub false_positive_rate: f64,
    /// Share of the positive rows that are.
    pub true_positive_rate: f64,
}

/// How precision and recall trade.
#[derive(Clone, Debug, PartialEq)]
pub struct PrecisionRecallCurve {
    /// By rising recall; begins with precision 1 at recall 0.
    pub points: Vec<PrecisionRecallPoint>,
    /// Σ (recall - recall before) · precision.
    pub average_precision: f64,
}

/// One threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Rows with at least this score are predicted positive; infinite at the first point.
    pub threshold: f64,
    /// Share of the rows predicted positive that are.
    pub precision: f64,
    /// Share of the positive rows that are predicted.
    pub recall: f64,
}

/// How much is found among the rows that score highest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GainPoint {
    /// Rows with at least this score are taken; infinite at the first point.
    pub threshold: f64,
    /// Share of all rows that are.
    pub share: f64,
    /// Share of the positive rows that are.
    pub found: f64,
}

/// How often it is so where about the same probability is said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityPoint {
    /// Mean of the probabilities.
    pub said: f64,
    /// Share of the rows that are positive.
    pub so: f64,
    /// Rows.
    pub n_rows: u64,
}

/// Positive and negative rows with at least a score.
#[derive(Clone, Copy, Debug)]
struct Step {
    threshold: f64,
    n_true: u64,
    n_false: u64,
}

/// Rows by falling score, those of one score together: what all curves of a class rest on.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// The counts at each distinct score, falling.
    steps: Vec<Step>,
}

impl Ranking {
    /// Of rows that are positive or not. A million of them are looked at in turns.
    ///
    /// # Errors
    /// No rows, different lengths, a score that is no number, or nobody wants it any more.
    pub async fn of(positive: &[bool], scores: &[f64], checkpoint: &mut impl Checkpoint) -> Result<Self, MetricError> {
        const MESSAGE: &str = "Ranking rows";
        check_lengths(positive.len(), scores.len())?;
        check_finite("score", scores)?;
        // -0 and 0 are one score.
        let mut rows: Vec<(f64, bool)> = scores.iter().map(|score| score + 0.0).zip(positive.iter().copied()).collect();
        let falling = |a: &(f64, bool), b: &(f64, bool)| b.0.total_cmp(&a.0);
        // The stable sort finds what is in order already and merges it, so larger and larger turns take little time.
        let mut n_sorted = 1;
        while n_sorted < rows.len() {
            n_sorted = (4 * n_sorted).max(TURN_ROWS);
            for turn in rows.chunks_mut(n_sorted) {
                checkpoint.checkpoint(0.0, MESSAGE).await?;
                turn.sort_by(falling);
            }
        }
        let mut steps: Vec<Step> = Vec::new();
        let (mut n_true, mut n_false) = (0, 0);
        for turn in rows.chunks(TURN_ROWS) {
            checkpoint.checkpoint(0.9, MESSAGE).await?;
            for &(threshold, hit) in turn {
                n_true += u64::from(hit);
                n_false += u64::from(!hit);
                match steps.last_mut() {
                    Some(step) if step.threshold == threshold => (step.n_true, step.n_false) = (n_true, n_false),
                    Some(_) | None => steps.push(Step { threshold, n_true, n_false }),
                }
            }
        }
        Ok(Self { steps })
    }

    fn at_once(positive: &[bool], scores: &[f64]) -> Result<Self, MetricError> {
        block_on(Self::of(positive, scores, &mut Unwatched))
    }

    /// The area under the ROC curve: the share of pairs of a positive and a negative row in which the positive one has
    /// the higher score, ties counting half. None if there is no such pair.
    pub fn auc(&self) -> Option<f64> {
        let all = *self.steps.last()?;
        if all.n_true == 0 || all.n_false == 0 {
            return None;
        }
        // Twice the area in whole pairs: exact whatever the order.
        let mut twice: u128 = 0;
        let (mut n_true, mut n_false) = (0, 0);
        for step in &self.steps {
            twice += u128::from(step.n_false - n_false) * u128::from(step.n_true + n_true);
            (n_true, n_false) = (step.n_true, step.n_false);
        }
        Some(twice as f64 / 2.0 / (all.n_true as f64 * all.n_false as f64))
    }

    /// Average precision; None if no row is positive.
    pub fn average_precision(&self) -> Option<f64> {
        let n_true = self.steps.last()?.n_true;
        if n_true == 0 {
            return None;
        }
        let mut before = 0;
        Some(sum(self.steps.iter().map(|step| {
            let gained = (step.n_true - before) as f64 / n_true as f64;
            before = step.n_true;
            gained * step.n_true as f64 / (step.n_true + step.n_false) as f64
        })))
    }

    /// The ROC curve; None if all rows are positive or all are negative.
    pub fn roc(&self) -> Option<RocCurve> {
        let (auc, &all) = (self.auc()?, self.steps.last()?);
        let mut kept: Vec<Step> = vec![Step { threshold: f64::INFINITY, n_true: 0, n_false: 0 }];
        for &step in &self.steps {
            if let [.., a, b] = kept.as_slice() {
                // b lies on the line from a to step when both slopes are equal.
                let rise = i128::from(b.n_true - a.n_true) * i128::from(step.n_false - b.n_false);
                let run = i128::from(step.n_true - b.n_true) * i128::from(b.n_false - a.n_false);
                if rise == run {
                    kept.pop();
                }
            }
            kept.push(step);
        }
        let points = kept
            .into_iter()
            .map(|step| RocPoint {
                threshold: step.threshold,
                false_positive_rate: step.n_false as f64 / all.n_false as f64,
                true_positive_rate: step.n_true as f64 / all.n_true as f64,
            })
            .collect();
        Some(RocCurve { points, auc })
    }

    /// The precision-recall curve up to the threshold at which recall is 1; None if no row is positive.
    pub fn precision_recall(&self) -> Option<PrecisionRecallCurve> {
        let (average_precision, all) = (self.average_precision()?, self.steps.last()?);
        let mut points = vec![PrecisionRecallPoint { threshold: f64::INFINITY, precision: 1.0, recall: 0.0 }];
        for step in &self.steps {
            points.push(PrecisionRecallPoint {
                threshold: step.threshold,
                precision: step.n_true as f64 / (step.n_true + step.n_false) as f64,
                recall: step.n_true as f64 / all.n_true as f64,
            });
            if step.n_true == all.n_true {
                break;
            }
        }
        Some(PrecisionRecallCurve { points, average_precision })
    }
}

impl Ranking {
    /// The share of positive rows among those that score highest, from none of the rows to all; none if no row is
    /// positive. What is found is more than chance by the factor `found / share`, the lift.
    pub fn gain(&self) -> Option<Vec<GainPoint>> {
        let all = *self.steps.last().filter(|all| all.n_true > 0)?;
        let n = (all.n_true + all.n_false) as f64;
        let point = |step: &Step| GainPoint {
            threshold: step.threshold,
            share: (step.n_true + step.n_false) as f64 / n,
            found: step.n_true as f64 / all.n_true as f64,
        };
        let none = GainPoint { threshold: f64::INFINITY, share: 0.0, found: 0.0 };
        Some(std::iter::once(none).chain(self.steps.iter().map(point)).collect())
    }

    /// Rows by their score in so many intervals of equal width from 0 to 1, rising; those without rows are left out. A
    /// score between two is in the lower one.
    pub fn reliability(&self, n_intervals: u32) -> Vec<ReliabilityPoint> {
        let width = 1.0 / f64::from(n_intervals);
        let mut intervals = vec![(0.0, 0u64, 0u64); n_intervals as usize];
        let (mut n_true, mut n_false) = (0, 0);
        for step in &self.steps {
            let below = (1..n_intervals).filter(|edge| f64::from(*edge) * width < step.threshold).count();
            let (said, so, n_rows) = &mut intervals[below];
            let own = step.n_true - n_true + step.n_false - n_false;
            *said += step.threshold * own as f64;
            *so += step.n_true - n_true;
            *n_rows += own;
            (n_true, n_false) = (step.n_true, step.n_false);
        }
        let filled = intervals.into_iter().filter(|(_, _, n_rows)| *n_rows > 0);
        filled
            .map(|(said, so, n_rows)| ReliabilityPoint {
                said: said / n_rows as f64,
                so: so as f64 / n_rows as f64,
                n_rows,
            })
            .collect()
    }
}

/// [`Ranking::gain`] of rows.
///
/// # Errors
/// No rows, different lengths, or a score that is no number.
pub fn gain(positive: &[bool], scores: &[f64]) -> Result<Option<Vec<GainPoint>>, MetricError> {
    Ok(Ranking::at_once(positive, scores)?.gain())
}

/// [`Ranking::reliability`] of rows.
///
/// # Errors
/// No rows, different lengths, or a score that is no number.
pub fn reliability(positive: &[bool], scores: &[f64], n_intervals: u32) -> Result<Vec<ReliabilityPoint>, MetricError> {
    Ok(Ranking::at_once(positive, scores)?.reliability(n_intervals))
}

/// [`Ranking::auc`] of rows.
///
/// # Errors
/// No rows, different lengths, or a score that is no number.
pub fn roc_auc(positive: &[bool], scores: &[f64]) -> Result<Option<f64>, MetricError> {
    Ok(Ranking::at_once(positive, scores)?.auc())
}

/// [`Ranking::roc`] of rows.
///
/// # Errors
/// No rows, different lengths, or a score that is no number.
pub fn roc(positive: &[bool], scores: &[f64]) -> Result<Option<RocCurve>, MetricError> {
    Ok(Ranking::at_once(positive, scores)?.roc())
}

/// [`Ranking::precision_recall`] of rows.
///
/// # Errors
/// No rows, different lengths, or a score that is no number.
pub fn precision_recall(positive: &[bool], scores: &[f64]) -> Result<Option<PrecisionRecallCurve>, MetricError> {
    Ok(Ranking::at_once(positive, scores)?.precision_recall())
}
