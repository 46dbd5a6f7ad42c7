"""Boosted trees by scikit-learn's HistGradientBoosting: reads `data/*.csv`, writes `boosting.json`, both beside this file.

    python -m pip install -r requirements.txt
    python boosting.py

Every fourth row is held out, and predicted. Columns are rounded to 64 levels between their smallest and largest value,
so that each level has a bin of its own; where a case says so, every seventh value of the first column is missing.
"""

import json
import pathlib

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

HERE = pathlib.Path(__file__).parent
HOW = {"max_iter": 40, "max_leaf_nodes": 8, "min_samples_leaf": 5, "early_stopping": False}
NUMBERS = ("diabetes", "generated_number", "iris_width", "wine_proline", "cancer_texture", "friedman")

# Data set, whether values are missing, whether rows have weights, what else is asked of it.
CASES = {
    "two classes": ("breast_cancer", False, False, {}),
    "two classes with gaps": ("breast_cancer", True, False, {"l2_regularization": 1.0}),
    "three classes": ("wine", False, False, {}),
    "ten classes": ("digits", False, False, {"max_iter": 5, "max_leaf_nodes": 31, "min_samples_leaf": 20}),
    "numbers": ("diabetes", False, False, {}),
    "numbers with gaps": ("diabetes", True, False, {"max_depth": 2}),
    "numbers with weights": ("diabetes", False, True, {}),
    "medians": ("diabetes", False, False, {"loss": "absolute_error"}),
    "upper quantiles": ("diabetes", False, False, {"loss": "quantile", "quantile": 0.75}),
    "counts": ("diabetes", False, False, {"loss": "poisson"}),
    "rising and falling": ("diabetes", False, False, {"monotonic_cst": [0, 0, 1, 1, 0, 0, -1, 0, 0, 0]}),
    **{name: (name, False, False, {}) for name in ("iris", "generated_class", "moons")},
    **{name: (name, False, False, {}) for name in NUMBERS if name != "diabetes"},
}

expected = {}
for name, (data, has_gaps, is_weighted, how) in CASES.items():
    rows = np.loadtxt(HERE / "data" / f"{data}.csv", delimiter=",", skiprows=1)
    x, y = rows[:, :-1], rows[:, -1]
    low, high = x.min(axis=0), x.max(axis=0)
    x = np.floor((x - low) / np.where(high > low, high - low, 1) * 63)
    if has_gaps:
        x[::7, 0] = np.nan
    held_out = np.arange(len(y)) % 4 == 0
    weights = 1.0 + np.arange(len(y)) % 3 if is_weighted else np.ones(len(y))
    learner = HistGradientBoostingRegressor if data in NUMBERS else HistGradientBoostingClassifier
    given = {"sample_weight": weights[~held_out]} if is_weighted else {}
    model = learner(**{**HOW, **how}).fit(x[~held_out], y[~held_out], **given)
    predicted = model.predict(x[held_out]) if data in NUMBERS else model.predict_proba(x[held_out])
    expected[name] = [float(f"{value:.9g}") for value in np.asarray(predicted).ravel()]
lines = [f'"{name}": {json.dumps(values)}' for name, values in expected.items()]
(HERE / "boosting.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
