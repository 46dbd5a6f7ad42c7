//! Metrics by the names that people read.

/// Metrics whose name is not simply their id in words, as the nodes that report them call them.
const LABELS: &[(&str, &str)] = &[
    ("auc", "AUC"),
    ("average_distance_to_center", "Average distance to cluster center"),
    ("brier", "Brier score"),
    ("f1", "F1"),
    ("inertia", "Sum of squared distances"),
    ("kappa", "Cohen's kappa"),
    ("mae", "Mean absolute error"),
    ("max_error", "Largest error"),
    ("mcc", "Matthews correlation"),
    ("n_clusters", "Clusters with rows"),
    ("r2", "R²"),
    ("rmse", "Root mean squared error"),
    ("silhouette", "Simplified silhouette"),
];

/// A metric as people read it: `auc` and `evaluate.auc` are "AUC", `log_loss` is "Log loss", and `auc.2` is "AUC of the
/// second model".
pub fn metric_label(metric: &str) -> String {
    if let Some(first) = metric.strip_suffix(".2") {
        return format!("{} of the second model", metric_label(first));
    }
    let id = metric.rsplit('.').next().unwrap_or(metric);
    if let Some((_, label)) = LABELS.iter().find(|(known, _)| *known == id) {
        return (*label).into();
    }
    let mut letters = id.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| if letter == '_' { ' ' } else { letter })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_read_as_they_do_elsewhere() {
        let labels = ["auc", "evaluate.auc", "auc.2", "log_loss", "r2", "custom", ""].map(metric_label);
        assert_eq!(labels.join(" | "), "AUC | AUC | AUC of the second model | Log loss | R² | Custom | ");
    }
}
