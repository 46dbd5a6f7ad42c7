//! Metrics of predicted classes and their probabilities.

use super::{MetricError, Ranking, Sum, TURN_ROWS, check_classes, check_lengths};
use crate::checkpoint::{Checkpoint, Unwatched, block_on};

/// Metrics of a classification.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassificationMetrics {
    /// Rows evaluated.
    pub n_rows: usize,
    /// Share of rows predicted right.
    pub accuracy: f64,
    /// Mean recall over the classes that occur.
    pub balanced_accuracy: f64,
    /// Of the positive class for two classes, else the macro average.
    pub precision: f64,
    /// Of the positive class for two classes, else the macro average.
    pub recall: f64,
    /// Of the positive class for two classes, else the macro average.
    pub f1: f64,
    /// Every class the same.
    pub macro_average: Averages,
    /// Every class by its rows.
    pub weighted_average: Averages,
    /// Area under the ROC curve: of the positive class for two, else the mean of each class against the others.
    /// None without probabilities, and where a class does not occur or nothing else does.
    pub auc: Option<f64>,
    /// Average precision, likewise.
    pub average_precision: Option<f64>,
    /// Mean negative logarithm of the probability of the true class, which is held to at least 2.2e-16. None without
    /// probabilities.
    pub log_loss: Option<f64>,
    /// Mean squared error of the probability of the positive class; for more than two classes, of all, added.
    /// None without probabilities.
    pub brier: Option<f64>,
    /// Matthews' correlation coefficient; 0 where a class takes all rows or predictions.
    pub mcc: f64,
    /// Cohen's kappa; 1 where there is nothing to disagree about.
    pub kappa: f64,
    /// Class by class.
    pub classes: Vec<ClassMetrics>,
    /// How many rows of each class were predicted as each.
    pub confusion: Confusion,
}

/// Averages over the classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Averages {
    /// Of what was predicted as the class, the share that is.
    pub precision: f64,
    /// Of the class, the share that was predicted as it.
    pub recall: f64,
    /// Harmonic mean of the two, class by class.
    pub f1: f64,
}

/// One class against the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassMetrics {
    /// Of what was predicted as it, the share that is; 0 if nothing was.
    pub precision: f64,
    /// Of its rows, the share that was predicted; 0 if it has none.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Its rows.
    pub n_rows: u64,
    /// Area under its ROC curve.
    pub auc: Option<f64>,
    /// Its average precision.
    pub average_precision: Option<f64>,
}

/// Rows by true and by predicted class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// Classes.
    pub n_classes: usize,
    /// Invariant: `n_classes * n_classes` counts, true class by true class.
    pub counts: Vec<u64>,
}

impl Confusion {
    /// Rows of one class that were predicted as another.
    pub fn at(&self, actual: usize, predicted: usize) -> u64 {
        self.counts[actual * self.n_classes + predicted]
    }

    /// Rows of a class.
    pub fn n_actual(&self, class: usize) -> u64 {
        (0..self.n_classes).map(|predicted| self.at(class, predicted)).sum()
    }

    /// Rows predicted as a class.
    pub fn n_predicted(&self, class: usize) -> u64 {
        (0..self.n_classes).map(|actual| self.at(actual, class)).sum()
    }
}

/// Counts rows by true and by predicted class.
///
/// # Errors
/// No rows, different lengths, or a class that does not exist.
pub fn confusion(actual: &[u32], predicted: &[u32], n_classes: usize) -> Result<Confusion, MetricError> {
    check_lengths(actual.len(), predicted.len())?;
    check_classes(actual, n_classes)?;
    check_classes(predicted, n_classes)?;
    let mut counts = vec![0; n_classes * n_classes];
    for (&a, &p) in actual.iter().zip(predicted) {
        counts[a as usize * n_classes + p as usize] += 1;
    }
    Ok(Confusion { n_classes, counts })
}

/// Metrics of probabilities, row by row; the most probable class, the first of equals, is the prediction.
/// `positive` matters for two classes only.
///
/// # Errors
/// No rows, different lengths, a class that does not exist, or a value that is no probability.
pub fn classification(
    actual: &[u32],
    probabilities: &[f64],
    n_classes: usize,
    positive: usize,
) -> Result<ClassificationMetrics, MetricError> {
    block_on(classification_in_turns(actual, probabilities, n_classes, positive, &mut Unwatched, |_, _| {}))
}

/// The same in turns; `ranked` is shown how the rows of each class rank.
///
/// # Errors
/// Those of [`classification`], and nobody wants it any more.
pub async fn classification_in_turns(
    actual: &[u32],
    probabilities: &[f64],
    n_classes: usize,
    positive: usize,
    checkpoint: &mut impl Checkpoint,
    mut ranked: impl FnMut(usize, &Ranking),
) -> Result<ClassificationMetrics, MetricError> {
    const MESSAGE: &str = "Measuring";
    let width = n_classes.max(1);
    check_lengths(actual.len(), probabilities.len() / width)?;
    // A mean of probabilities may pass 1 in the last bit.
    if let Some(at) = probabilities.iter().position(|p| !(-1e-9..=1.0 + 1e-9).contains(p)) {
        return Err(MetricError::Probability { row_idx: at / width, found: probabilities[at] });
    }
    let mut predicted: Vec<u32> = Vec::with_capacity(actual.len());
    for turn in probabilities.chunks(TURN_ROWS * width) {
        checkpoint.checkpoint(0.0, MESSAGE).await?;
        predicted.extend(model::Prediction::Probabilities { values: turn.to_vec(), n_classes }.classes());
    }
    let mut metrics = classification_of_labels(actual, &predicted, n_classes, positive)?;

    for (class, of_class) in metrics.classes.iter_mut().enumerate() {
        checkpoint.checkpoint(class as f64 / width as f64, MESSAGE).await?;
        let hits: Vec<bool> = actual.iter().map(|&a| a as usize == class).collect();
        let scores: Vec<f64> = probabilities.iter().skip(class).step_by(width).copied().collect();
        let ranking = Ranking::of(&hits, &scores, checkpoint).await?;
        of_class.auc = ranking.auc();
        of_class.average_precision = ranking.average_precision();
        checkpoint.checkpoint(class as f64 / width as f64, MESSAGE).await?;
        ranked(class, &ranking);
    }
    if n_classes == 2 {
        let of_positive = metrics.classes.get(positive);
        metrics.auc = of_positive.and_then(|class| class.auc);
        metrics.average_precision = of_positive.and_then(|class| class.average_precision);
    } else {
        let mean = |value: fn(&ClassMetrics) -> Option<f64>| -> Option<f64> {
            let values = metrics.classes.iter().map(value).collect::<Option<Vec<f64>>>()?;
            Some(values.iter().sum::<f64>() / width as f64)
        };
        metrics.auc = mean(|class| class.auc);
        metrics.average_precision = mean(|class| class.average_precision);
    }

    let n = actual.len() as f64;
    let (mut log_losses, mut squares) = (Sum::default(), Sum::default());
    for (actual, probabilities) in actual.chunks(TURN_ROWS).zip(probabilities.chunks(TURN_ROWS * width)) {
        checkpoint.checkpoint(1.0, MESSAGE).await?;
        for (&a, row) in actual.iter().zip(probabilities.chunks_exact(width)) {
            log_losses.add(-numeric::ln(row[a as usize].clamp(f64::EPSILON, 1.0 - f64::EPSILON)));
            for (class, p) in row.iter().enumerate() {
                let error = p - f64::from(u8::from(class == a as usize));
                squares.add(error * error);
            }
        }
    }
    metrics.log_loss = Some(log_losses.total() / n);
    // Of two classes both have the same error.
    metrics.brier = Some(squares.total() / n / if n_classes == 2 { 2.0 } else { 1.0 });
    Ok(metrics)
}

/// Metrics of predicted classes alone; what needs probabilities is left out.
///
/// # Errors
/// No rows, different lengths, or a class that does not exist.
pub fn classification_of_labels(
    actual: &[u32],
    predicted: &[u32],
    n_classes: usize,
    positive: usize,
) -> Result<ClassificationMetrics, MetricError> {
    let confusion = confusion(actual, predicted, n_classes)?;
    let n = actual.len() as f64;
    let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let classes: Vec<ClassMetrics> = (0..n_classes)
        .map(|class| {
            let hits = confusion.at(class, class);
            let (n_actual, n_predicted) = (confusion.n_actual(class), confusion.n_predicted(class));
            ClassMetrics {
                precision: ratio(hits, n_predicted),
                recall: ratio(hits, n_actual),
                f1: ratio(2 * hits, n_actual + n_predicted),
                n_rows: n_actual,
                auc: None,
                average_precision: None,
            }
        })
        .collect();
    // As in scikit-learn, a class that neither occurs nor is predicted does not count.
    let seen: Vec<&ClassMetrics> = (0..n_classes)
        .filter(|&class| confusion.n_actual(class) + confusion.n_predicted(class) > 0)
        .map(|class| &classes[class])
        .collect();
    let average = |weight: &dyn Fn(&ClassMetrics) -> f64| {
        let total: f64 = seen.iter().map(|class| weight(class)).sum();
        let mean = |value: fn(&ClassMetrics) -> f64| {
            seen.iter().map(|class| weight(class) * value(class)).sum::<f64>() / total
        };
        Averages { precision: mean(|c| c.precision), recall: mean(|c| c.recall), f1: mean(|c| c.f1) }
    };
    let macro_average = average(&|_| 1.0);
    let weighted_average = average(&|class| class.n_rows as f64);
    let occurring: Vec<f64> = classes.iter().filter(|class| class.n_rows > 0).map(|class| class.recall).collect();
    let headline = match classes.get(positive) {
        Some(class) if n_classes == 2 => Averages { precision: class.precision, recall: class.recall, f1: class.f1 },
        Some(_) | None => macro_average,
    };
    let n_hits: u64 = (0..n_classes).map(|class| confusion.at(class, class)).sum();
    let (mcc, kappa) = agreement(&confusion, n, n_hits as f64);
    Ok(ClassificationMetrics {
        n_rows: actual.len(),
        accuracy: n_hits as f64 / n,
        balanced_accuracy: occurring.iter().sum::<f64>() / occurring.len() as f64,
        precision: headline.precision,
        recall: headline.recall,
        f1: headline.f1,
        macro_average,
        weighted_average,
        auc: None,
        average_precision: None,
        log_loss: None,
        brier: None,
        mcc,
        kappa,
        classes,
        confusion,
    })
}

/// Matthews' coefficient (Gorodkin, 2004) and Cohen's kappa.
fn agreement(confusion: &Confusion, n: f64, n_hits: f64) -> (f64, f64) {
    let (mut by_chance, mut actual_square, mut predicted_square) = (0.0, 0.0, 0.0);
    for class in 0..confusion.n_classes {
        let (a, p) = (confusion.n_actual(class) as f64, confusion.n_predicted(class) as f64);
        by_chance += a * p;
        actual_square += a * a;
        predicted_square += p * p;
    }
    let spread = numeric::sqrt(n * n - actual_square) * numeric::sqrt(n * n - predicted_square);
    let mcc = if spread == 0.0 { 0.0 } else { (n_hits * n - by_chance) / spread };
    let room = n * n - by_chance;
    let kappa = if room == 0.0 { 1.0 } else { (n_hits * n - by_chance) / room };
    (mcc, kappa)
}
