"""Fold by fold numbers from scikit-learn: reads `folds.json`, writes `cross_validation.json`, both beside this file.

    cargo test -p millrace-tests --test cross_validation   # MILLRACE_UPDATE=1 writes folds.json
    python -m pip install -r requirements.txt
    python cross_validation.py

`folds.json` has the fold of each row as Partition and Sample dealt it, so that both test the same rows with models of
the same other rows.
"""

import json
import pathlib

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent
NUMBERS = {
    "r2": ("r2", 1),
    "rmse": ("neg_root_mean_squared_error", -1),
    "mae": ("neg_mean_absolute_error", -1),
    "median_absolute_error": ("neg_median_absolute_error", -1),
    "explained_variance": ("explained_variance", 1),
}
TWO_CLASSES = {
    "accuracy": ("accuracy", 1),
    "auc": ("roc_auc", 1),
    "average_precision": ("average_precision", 1),
    "precision": ("precision", 1),
    "recall": ("recall", 1),
    "f1": ("f1", 1),
    "log_loss": ("neg_log_loss", -1),
}
MANY_CLASSES = {"accuracy": ("accuracy", 1), "balanced_accuracy": ("balanced_accuracy", 1)}
CASES = {
    "diabetes": (LinearRegression(), NUMBERS),
    "breast_cancer": (LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=500), TWO_CLASSES),
    "wine": (make_pipeline(StandardScaler(), KNeighborsClassifier(5)), MANY_CLASSES),
}

folds = json.loads((HERE / "folds.json").read_text())
expected = {}
for name, (learner, metrics) in CASES.items():
    rows = np.loadtxt(HERE / "data" / f"{name}.csv", delimiter=",", skiprows=1)
    scoring = {metric: scorer for metric, (scorer, _) in metrics.items()}
    split = PredefinedSplit(folds[name])
    y = rows[:, -1] if metrics is NUMBERS else rows[:, -1].astype(int)
    found = cross_validate(learner, rows[:, :-1], y, cv=split, scoring=scoring)
    expected[name] = {metric: (sign * found[f"test_{metric}"]).tolist() for metric, (_, sign) in metrics.items()}
(HERE / "cross_validation.json").write_text(json.dumps(expected, indent=1) + "\n")
