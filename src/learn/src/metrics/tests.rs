use model::Matrix;

use super::*;

const ACTUAL: [u32; 6] = [0, 0, 1, 1, 1, 0];
const SCORES: [f64; 6] = [0.1, 0.4, 0.4, 0.8, 0.9, 0.2];

fn of_two(scores: &[f64]) -> Vec<f64> {
    scores.iter().flat_map(|p| [1.0 - p, *p]).collect()
}

#[test]
fn tied_scores_count_half_in_the_auc_whatever_their_order() {
    // 9 pairs; one is tied: 8.5 / 9.
    let hits = ACTUAL.map(|a| a == 1);
    let (mut reversed_hits, mut reversed_scores) = (hits, SCORES);
    reversed_hits.reverse();
    reversed_scores.reverse();
    assert_eq!(roc_auc(&hits, &SCORES), Ok(Some(8.5 / 9.0)));
    assert_eq!(roc_auc(&reversed_hits, &reversed_scores), Ok(Some(8.5 / 9.0)));
    assert_eq!(roc_auc(&hits, &[0.5; 6]), Ok(Some(0.5)));
}

#[test]
fn one_class_has_no_auc_and_still_an_accuracy() {
    let metrics = classification(&[1, 1], &of_two(&[0.9, 0.2]), 2, 1).unwrap();
    assert_eq!((metrics.auc, metrics.accuracy, metrics.mcc), (None, 0.5, 0.0));
    assert_eq!(roc(&[true, true], &[0.9, 0.2]), Ok(None));
    assert_eq!(precision_recall(&[false, false], &[0.9, 0.2]), Ok(None));
}

#[test]
fn a_curve_begins_at_nothing_and_ends_at_everything() {
    let hits = ACTUAL.map(|a| a == 1);
    let curve = roc(&hits, &SCORES).unwrap().unwrap();
    let points: Vec<(f64, f64, f64)> =
        curve.points.iter().map(|p| (p.threshold, p.false_positive_rate, p.true_positive_rate)).collect();
    assert_eq!(points, [(f64::INFINITY, 0.0, 0.0), (0.8, 0.0, 2.0 / 3.0), (0.4, 1.0 / 3.0, 1.0), (0.1, 1.0, 1.0)]);
    let curve = precision_recall(&hits, &SCORES).unwrap().unwrap();
    let points: Vec<(f64, f64)> = curve.points.iter().map(|p| (p.precision, p.recall)).collect();
    assert_eq!(points, [(1.0, 0.0), (1.0, 1.0 / 3.0), (1.0, 2.0 / 3.0), (0.75, 1.0)]);
    assert!((curve.average_precision - (2.0 / 3.0 + 0.25)).abs() < 1e-15);
}

#[test]
fn certainty_that_is_wrong_has_a_finite_loss() {
    let metrics = classification(&[0, 1], &[0.0, 1.0, 0.0, 1.0], 2, 1).unwrap();
    assert!((metrics.log_loss.unwrap() - 18.021826694558577).abs() < 1e-9);
    assert_eq!(metrics.brier, Some(0.5));
}

#[test]
fn a_constant_target_has_errors_and_no_r2() {
    let metrics = regression(&[2.0, 2.0, 2.0], &[1.0, 2.0, 4.0]).unwrap();
    assert_eq!((metrics.mae, metrics.max_error, metrics.median_absolute_error), (1.0, 2.0, 1.0));
    assert_eq!((metrics.r2, metrics.relative_absolute_error, metrics.explained_variance), (None, None, None));
}

#[test]
fn one_cluster_has_an_inertia_and_no_silhouette() {
    let x = Matrix { values: vec![0.0, 2.0], n_rows: 2, n_columns: 1 };
    let metrics = clustering(&x, &[1, 1], 3, 0).unwrap();
    assert_eq!((metrics.inertia, metrics.silhouette, metrics.davies_bouldin), (2.0, None, None));
    assert_eq!((metrics.n_clusters, metrics.sizes), (1, vec![0, 2, 0]));
}

#[test]
fn a_large_silhouette_is_sampled_and_says_so() {
    let n_rows = MAX_SILHOUETTE_ROWS + 100;
    let values = (0..n_rows).map(|i| (i % 2) as f64 * 10.0 + (i % 7) as f64 / 10.0).collect();
    let clusters: Vec<u32> = (0..n_rows).map(|i| (i % 2) as u32).collect();
    let metrics = clustering(&Matrix { values, n_rows, n_columns: 1 }, &clusters, 2, 7).unwrap();
    assert_eq!(metrics.n_silhouette_rows, Some(MAX_SILHOUETTE_ROWS));
    assert!((metrics.silhouette.unwrap() - 0.97).abs() < 0.01);
}

#[test]
fn what_cannot_be_evaluated_says_why() {
    let message = |error: MetricError| error.to_string();
    assert_eq!(message(classification(&[], &[], 2, 1).unwrap_err()), "there are no rows to evaluate");
    assert_eq!(message(regression(&[1.0], &[]).unwrap_err()), "1 actual values, but 0 predictions");
    assert_eq!(
        message(classification(&[0, 2], &[0.5; 4], 2, 1).unwrap_err()),
        "row 2 has class 2, but there are 2 classes, counted from 0"
    );
    assert_eq!(
        message(classification(&[0, 1], &[0.5, 0.5, f64::NAN, 0.5], 2, 1).unwrap_err()),
        "row 2 has the probability NaN, expected a number from 0 to 1"
    );
    assert_eq!(
        message(regression(&[1.0, 2.0], &[1.0, f64::INFINITY]).unwrap_err()),
        "the prediction in row 2 is inf, expected a finite number"
    );
    assert_eq!(
        message(roc_auc(&[true], &[f64::NAN]).unwrap_err()),
        "the score in row 1 is NaN, expected a finite number"
    );
    let x = Matrix { values: vec![0.0], n_rows: 1, n_columns: 1 };
    assert!(clustering(&x, &[5], 2, 0).is_err());
}

#[test]
fn metrics_of_labels_leave_out_what_needs_probabilities() {
    let metrics = classification_of_labels(&[0, 1, 2, 2], &[0, 1, 1, 2], 3, 0).unwrap();
    assert_eq!((metrics.accuracy, metrics.auc, metrics.log_loss), (0.75, None, None));
    assert_eq!(metrics.confusion.counts, [1, 0, 0, 0, 1, 0, 0, 1, 1]);
}
