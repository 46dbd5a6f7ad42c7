//! ROC and precision-recall curves. Rows of equal score enter together, so their order does not matter.

use super::{MetricError, check_finite, check_lengths, sum};

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

/// Positive and negative rows with at least a score.
#[derive(Clone, Copy)]
struct Step {
    threshold: f64,
    n_true: u64,
    n_false: u64,
}

/// The counts at each distinct score, falling.
fn steps(positive: &[bool], scores: &[f64]) -> Result<Vec<Step>, MetricError> {
    check_lengths(positive.len(), scores.len())?;
    check_finite("score", scores)?;
    // -0 and 0 are one score.
    let mut rows: Vec<(f64, bool)> = scores.iter().map(|score| score + 0.0).zip(positive.iter().copied()).collect();
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut steps: Vec<Step> = Vec::new();
    let (mut n_true, mut n_false) = (0, 0);
    for (threshold, hit) in rows {
        n_true += u64::from(hit);
        n_false += u64::from(!hit);
        match steps.last_mut() {
            Some(step) if step.threshold == threshold => (step.n_true, step.n_false) = (n_true, n_false),
            Some(_) | None => steps.push(Step { threshold, n_true, n_false }),
        }
    }
    Ok(steps)
}

/// The area under the ROC curve: the share of pairs of a positive and a negative row in which the positive one has the
/// higher score, ties counting half. None if there is no such pair.
///
/// # Errors
/// No rows, different lengths, or a score that is no number.
pub fn roc_auc(positive: &[bool], scores: &[f64]) -> Result<Option<f64>, MetricError> {
    Ok(area(&steps(positive, scores)?))
}

fn area(steps: &[Step]) -> Option<f64> {
    let all = *steps.last()?;
    if all.n_true == 0 || all.n_false == 0 {
        return None;
    }
    // Twice the area in whole pairs: exact whatever the order.
    let mut twice: u128 = 0;
    let (mut n_true, mut n_false) = (0, 0);
    for step in steps {
        twice += u128::from(step.n_false - n_false) * u128::from(step.n_true + n_true);
        (n_true, n_false) = (step.n_true, step.n_false);
    }
    Some(twice as f64 / 2.0 / (all.n_true as f64 * all.n_false as f64))
}

/// Average precision; None if no row is positive.
///
/// # Errors
/// No rows, different lengths, or a score that is no number.
pub fn average_precision(positive: &[bool], scores: &[f64]) -> Result<Option<f64>, MetricError> {
    Ok(mean_precision(&steps(positive, scores)?))
}

fn mean_precision(steps: &[Step]) -> Option<f64> {
    let n_true = steps.last()?.n_true;
    if n_true == 0 {
        return None;
    }
    let mut before = 0;
    Some(sum(steps.iter().map(|step| {
        let gained = (step.n_true - before) as f64 / n_true as f64;
        before = step.n_true;
        gained * step.n_true as f64 / (step.n_true + step.n_false) as f64
    })))
}

/// The ROC curve; None if all rows are positive or all are negative.
///
/// # Errors
/// No rows, different lengths, or a score that is no number.
pub fn roc(positive: &[bool], scores: &[f64]) -> Result<Option<RocCurve>, MetricError> {
    let steps = steps(positive, scores)?;
    let (Some(auc), Some(&all)) = (area(&steps), steps.last()) else { return Ok(None) };
    let mut kept: Vec<Step> = vec![Step { threshold: f64::INFINITY, n_true: 0, n_false: 0 }];
    for step in steps {
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
    Ok(Some(RocCurve { points, auc }))
}

/// The precision-recall curve up to the threshold at which recall is 1; None if no row is positive.
///
/// # Errors
/// No rows, different lengths, or a score that is no number.
pub fn precision_recall(positive: &[bool], scores: &[f64]) -> Result<Option<PrecisionRecallCurve>, MetricError> {
    let steps = steps(positive, scores)?;
    let (Some(average_precision), Some(&all)) = (mean_precision(&steps), steps.last()) else { return Ok(None) };
    let mut points = vec![PrecisionRecallPoint { threshold: f64::INFINITY, precision: 1.0, recall: 0.0 }];
    for step in steps {
        points.push(PrecisionRecallPoint {
            threshold: step.threshold,
            precision: step.n_true as f64 / (step.n_true + step.n_false) as f64,
            recall: step.n_true as f64 / all.n_true as f64,
        });
        if step.n_true == all.n_true {
            break;
        }
    }
    Ok(Some(PrecisionRecallCurve { points, average_precision }))
}
