//! From scores to probabilities by an S-shaped curve: Platt's method, as corrected by Lin, Lin and Weng, A note on
//! Platt's probabilistic outputs for support vector machines, 2007.

/// Slope and offset of the log odds of the positive class over a score.
///
/// Targets are drawn a little towards the middle, as if one more row of each class had been seen, so that scores that
/// part the classes without error do not become certainties.
pub(crate) fn fit_sigmoid(scores: &[f64], is_positive: &[bool], weights: Option<&[f64]>) -> (f64, f64) {
    const MAX_STEPS: usize = 100;
    const LEAST_LENGTH: f64 = 1e-10;
    let weight = |row_idx: usize| weights.map_or(1.0, |weights| weights[row_idx]);
    let (mut positive, mut negative) = (0.0, 0.0);
    for (row_idx, is_positive) in is_positive.iter().enumerate() {
        *(if *is_positive { &mut positive } else { &mut negative }) += weight(row_idx);
    }
    let targets = ((positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0));
    let target = |row_idx: usize| if is_positive[row_idx] { targets.0 } else { targets.1 };
    let loss = |slope: f64, offset: f64| -> f64 {
        let of_row = |(row_idx, score): (usize, &f64)| {
            let z = slope * score + offset;
            // -t ln p - (1 - t) ln(1 - p), without overflow.
            let rest = numeric::ln_1p(numeric::exp(-z.abs()));
            weight(row_idx) * (if z >= 0.0 { (1.0 - target(row_idx)) * z } else { -target(row_idx) * z } + rest)
        };
        scores.iter().enumerate().map(of_row).sum()
    };
    let (mut slope, mut offset) = (0.0, numeric::ln((positive + 1.0) / (negative + 1.0)));
    let mut value = loss(slope, offset);
    for _ in 0..MAX_STEPS {
        // A little on the diagonal keeps Newton's equations solvable.
        let (mut h11, mut h22, mut h21) = (1e-12, 1e-12, 0.0);
        let (mut g1, mut g2) = (0.0, 0.0);
        for (row_idx, score) in scores.iter().enumerate() {
            let p = 1.0 / (1.0 + numeric::exp(-(slope * score + offset)));
            let curvature = weight(row_idx) * p * (1.0 - p);
            h11 += score * score * curvature;
            h22 += curvature;
            h21 += score * curvature;
            let error = weight(row_idx) * (p - target(row_idx));
            g1 += score * error;
            g2 += error;
        }
        if g1.abs() < 1e-5 && g2.abs() < 1e-5 {
            break;
        }
        let determinant = h11 * h22 - h21 * h21;
        let (d1, d2) = (-(h22 * g1 - h21 * g2) / determinant, -(h11 * g2 - h21 * g1) / determinant);
        let fall = g1 * d1 + g2 * d2;
        let mut length = 1.0;
        while length >= LEAST_LENGTH {
            let next = loss(slope + length * d1, offset + length * d2);
            if next < value + 1e-4 * length * fall {
                break;
            }
            length *= 0.5;
        }
        if length < LEAST_LENGTH {
            break;
        }
        slope += length * d1;
        offset += length * d2;
        value = loss(slope, offset);
    }
    (slope, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_are_log_odds_stay_as_they_are() {
        let scores: Vec<f64> = (0..4_000).map(|idx| f64::from(idx % 40) / 8.0 - 2.4).collect();
        // Of every hundred rows with a score, as many are positive as the score says.
        let is_positive: Vec<bool> = scores
            .iter()
            .enumerate()
            .map(|(idx, score)| ((idx / 40) as f64 + 0.5) / 100.0 < 1.0 / (1.0 + numeric::exp(-score)))
            .collect();
        let (slope, offset) = fit_sigmoid(&scores, &is_positive, None);
        assert!((slope - 1.0).abs() < 0.02 && offset.abs() < 0.02, "{slope} {offset}");
    }

    #[test]
    fn scores_without_error_do_not_become_certain() {
        let (slope, offset) = fit_sigmoid(&[-1.0, -2.0, 1.0, 2.0], &[false, false, true, true], None);
        let p = 1.0 / (1.0 + numeric::exp(-(slope * 2.0 + offset)));
        assert!(slope > 0.0 && p > 0.6 && p < 0.9, "{slope} {offset} {p}");
    }
}
