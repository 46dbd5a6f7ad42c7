"""Grid searches by scikit-learn's GridSearchCV: reads `folds.json`, writes `tuning.json`, both beside this file.

    python -m pip install -r requirements.txt
    python tuning.py

Every combination is judged on the same folds as in Millrace, which Partition and Sample dealt (`cross_validation.py`
says how `folds.json` is made), and the best is trained on all rows. `held_out` is the same with one validation set, the
rows of fold 0, in place of folds.
"""

import json
import pathlib

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent
NUMBERS = {
    "mae": ("neg_mean_absolute_error", -1),
    "rmse": ("neg_root_mean_squared_error", -1),
    "r2": ("r2", 1),
}
TWO_CLASSES = {
    "auc": ("roc_auc", 1),
    "log_loss": ("neg_log_loss", -1),
    "f1": ("f1", 1),
    "accuracy": ("accuracy", 1),
}
MANY_CLASSES = {"f1": ("f1_macro", 1), "accuracy": ("accuracy", 1), "balanced_accuracy": ("balanced_accuracy", 1)}
WEIGHTS = [0.001, 0.01, 0.1, 1.0, 10.0]
CASES = {
    "diabetes": (Ridge(solver="svd"), {"l2_weight": ("alpha", WEIGHTS)}, NUMBERS, "rmse"),
    "breast_cancer": (
        LogisticRegression(solver="newton-cholesky", tol=1e-12, max_iter=500),
        {"l2_weight": ("C", [1.0, 10.0, 100.0, 1000.0])},
        TWO_CLASSES,
        "log_loss",
    ),
    "wine": (
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        {
            "k": ("kneighborsclassifier__n_neighbors", [1, 3, 5, 9, 15, 25]),
            "metric": ("kneighborsclassifier__metric", ["euclidean", "manhattan"]),
        },
        MANY_CLASSES,
        "f1",
    ),
}


def theirs(parameter, value):
    """The L2 weight is one over C."""
    return 1.0 / value if parameter == "C" else value


def search(learner, grid, metrics, split, x, y):
    """Trial by trial in Millrace's order: the last parameter turns fastest."""
    scoring = {name: scorer for name, (scorer, _) in metrics.items()}
    space = {theirs_name: [theirs(theirs_name, v) for v in values] for theirs_name, values in grid.values()}
    found = GridSearchCV(learner, space, scoring=scoring, refit=False, cv=split).fit(x, y)
    results = found.cv_results_
    n_folds = split.get_n_splits()
    trials = []
    for at, params in enumerate(results["params"]):
        settings = {ours: values[space[name].index(params[name])] for ours, (name, values) in grid.items()}
        means, deviations = {}, {}
        for metric, (_, sign) in metrics.items():
            by_fold = np.array([sign * results[f"split{fold}_test_{metric}"][at] for fold in range(n_folds)])
            means[metric] = by_fold.mean()
            deviations[metric] = by_fold.std(ddof=1) if n_folds > 1 else None
        trials.append({"settings": settings, "means": means, "deviations": deviations})
    order = [tuple(values.index(trial["settings"][ours]) for ours, (_, values) in grid.items()) for trial in trials]
    return [trials[at] for at in sorted(range(len(trials)), key=lambda at: order[at])]


def best_on_all_rows(learner, grid, metrics, ranking, trials, x, y):
    """What the learner with the best setting says of the rows that it was trained on, all of them."""
    losses = sorted((-metrics[ranking][1] * trial["means"][ranking], at) for at, trial in enumerate(trials))
    assert losses[1][0] - losses[0][0] > 1e-6, f"{ranking}: two settings are the best, so nobody can say which"
    settings = trials[losses[0][1]]["settings"]
    params = {name: theirs(name, settings[ours]) for ours, (name, _) in grid.items()}
    best = clone(learner).set_params(**params).fit(x, y)
    return (best.predict(x) if metrics is NUMBERS else best.predict_proba(x)[:, 1]).tolist()


folds = json.loads((HERE / "folds.json").read_text())
expected = {}
for name, (learner, grid, metrics, ranking) in CASES.items():
    rows = np.loadtxt(HERE / "data" / f"{name}.csv", delimiter=",", skiprows=1)
    x, y = rows[:, :-1], rows[:, -1] if metrics is NUMBERS else rows[:, -1].astype(int)
    by_fold = np.array(folds[name])
    trials = search(learner, grid, metrics, PredefinedSplit(by_fold), x, y)
    expected[name] = {
        "trials": trials,
        "best_on_all_rows": best_on_all_rows(learner, grid, metrics, ranking, trials, x, y),
        "held_out": search(learner, grid, metrics, PredefinedSplit(np.where(by_fold == 0, 0, -1)), x, y),
    }
(HERE / "tuning.json").write_text(json.dumps(expected, indent=1) + "\n")
