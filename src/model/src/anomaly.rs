//! How unlike all others a row is.

use serde::{Deserialize, Serialize};

use crate::{Forest, Matrix, PrincipalComponents};

/// What tells anomalies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomalies {
    /// How a row is judged.
    pub detector: Detector,
    /// The score above which a row is an anomaly.
    pub threshold: f64,
    /// Which of two classes anomalies are: 0 or 1.
    pub class: u32,
}

/// How a row is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Detector {
    /// By what the principal components cannot say of it: scores are squares of distances.
    Components(PrincipalComponents),
    /// By how few cuts set it apart: scores are from 0 to 1.
    Isolation {
        /// Of each leaf, how many cuts lead to it, and would still be needed to part its rows.
        forest: Forest,
        /// Cuts that set a row apart in the mean.
        mean_path: f64,
    },
}

impl Anomalies {
    /// A score per row; the larger, the less like the others.
    pub fn scores(&self, x: &Matrix) -> Vec<f64> {
        match &self.detector {
            Detector::Components(components) => components.residuals(x),
            Detector::Isolation { forest, mean_path } => {
                let paths = forest.predict(x).into_iter();
                paths.map(|path| numeric::exp(-std::f64::consts::LN_2 * path / mean_path)).collect()
            }
        }
    }

    /// Probabilities of the two classes, row by row: that of anomalies grows with the score, and is a half at the
    /// threshold. It ranks rows; it is no share of rows.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        let of_score = |score: f64| match &self.detector {
            Detector::Components(_) if score.is_infinite() => 1.0,
            // The least number keeps 0 of 0 from being no number.
            Detector::Components(_) => score / (score + self.threshold.max(f64::MIN_POSITIVE)),
            // Rounding makes no anomaly of a row that is at the threshold.
            Detector::Isolation { .. } if score <= self.threshold * (1.0 + 1e-12) => {
                0.5 * (score / self.threshold).min(1.0)
            }
            Detector::Isolation { .. } => 0.5 + 0.5 * (score - self.threshold) / (1.0 - self.threshold),
        };
        let row = |score: f64| {
            let p = of_score(score).clamp(0.0, 1.0);
            if self.class == 0 { [p, 1.0 - p] } else { [1.0 - p, p] }
        };
        self.scores(x).into_iter().flat_map(row).collect()
    }
}

/// Cuts that set one of `n` rows apart in the mean, if they fall anywhere: an unsuccessful search in a binary tree.
/// Liu, Ting and Zhou, Isolation forest, 2008, equation 1.
pub fn mean_path(n: f64) -> f64 {
    /// Euler's constant.
    const EULER: f64 = 0.577_215_664_901_532_9;
    if n <= 1.0 {
        0.0
    } else if n <= 2.0 {
        1.0
    } else {
        2.0 * (numeric::ln(n - 1.0) + EULER) - 2.0 * (n - 1.0) / n
    }
}
