"""Explanations of models by scikit-learn and shap: reads `data/*.csv`, writes `explaining.json`, both beside this file.

    python -m pip install -r requirements.txt
    python explaining.py

Every fourth row is held out and explained; values are rounded to single precision, as scikit-learn's trees hold them.

- `importance`: permutation_importance, which is handed the shuffles that Millrace draws, so that both measure the same.
- `trees`: fitted trees, written down so that Millrace explains the very same ones, and what
  TreeExplainer(feature_perturbation="tree_path_dependent") says of rows; `linear`: LinearExplainer with the mean of the
  rows learned from.
- `dependence`: partial_dependence(kind="both") at the values that Millrace tries.
"""

import json
import pathlib

import numpy as np
import shap
import sklearn.inspection._permutation_importance as permuting
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = pathlib.Path(__file__).parent
BITS = (1 << 64) - 1
N_REPEATS = 3
# Rows held out that are explained.
N_ROWS = 12


class Stream:
    """xoshiro256++ seeded through SplitMix64, as `numeric::Stream`."""

    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & BITS
            z = seed
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & BITS
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & BITS
            self.state.append(z ^ (z >> 31))

    @classmethod
    def fork(cls, seed, part):
        return cls(seed ^ (((part + 1) * 0xD1342543DE82EF95) & BITS))

    def next(self):
        a, b, c, d = self.state
        turn = lambda x, k: ((x << k) | (x >> (64 - k))) & BITS
        drawn = (turn((a + d) & BITS, 23) + a) & BITS
        t = (b << 17) & BITS
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= t
        self.state = [a, b, c, turn(d, 45)]
        return drawn

    def below(self, n):
        product = self.next() * n
        if product & BITS < n:
            while product & BITS < (BITS + 1 - n) % n:
                product = self.next() * n
        return product >> 64

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]


class Shuffles:
    """Hands scikit-learn the orders that Millrace draws. It shuffles a column that is shuffled already, Millrace the
    column as it was."""

    def __init__(self, seed, column, n):
        self.stream, self.order, self.held = Stream.fork(seed, column), np.arange(n), np.arange(n)

    def shuffle(self, order):
        self.stream.shuffle(self.order)
        order[:] = np.argsort(self.held)[self.order]
        self.held = self.order.copy()


def halves(name):
    rows = np.loadtxt(HERE / "data" / f"{name}.csv", delimiter=",", skiprows=1).astype(np.float32).astype(float)
    held_out = np.arange(len(rows)) % 4 == 0
    return rows[~held_out, :-1], rows[~held_out, -1], rows[held_out, :-1], rows[held_out, -1]


def logistic():
    return LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=500)


def importances():
    seed = Stream.fork(1, 42).next()
    cases = (
        ("diabetes", LinearRegression(), {"r2": "r2", "rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error"}),
        ("breast_cancer", logistic(), {"accuracy": "accuracy", "auc": "roc_auc", "log_loss": "neg_log_loss"}),
        ("wine", logistic(), {"accuracy": "accuracy", "log_loss": "neg_log_loss"}),
    )
    original = permuting.check_random_state
    result = {}
    for name, model, metrics in cases:
        x, y, x_test, y_test = halves(name)
        model.fit(x, y)
        result[name] = {}
        for metric, scoring in metrics.items():
            columns = iter(range(x.shape[1]))
            # The first asks for a seed, the others are one of each column.
            permuting.check_random_state = lambda state: (
                original(state) if state is None else Shuffles(seed, next(columns), len(y_test))
            )
            found = permutation_importance(model, x_test, y_test, scoring=scoring, n_repeats=N_REPEATS)
            result[name][metric] = {
                "mean": found.importances_mean.tolist(),
                "std": found.importances.std(axis=1, ddof=1).tolist(),
            }
    permuting.check_random_state = original
    return result


def plain(tree):
    tree = tree.tree_
    values = tree.value[:, 0, :]
    if values.shape[1] > 1:
        values = values / values.sum(axis=1, keepdims=True)
    return {
        "feature": np.maximum(tree.feature, 0).tolist(),
        "threshold": np.where(tree.children_left < 0, 0.0, tree.threshold).tolist(),
        "left": np.maximum(tree.children_left, 0).tolist(),
        "right": np.maximum(tree.children_right, 0).tolist(),
        "n_rows": tree.weighted_n_node_samples.tolist(),
        "values": values.ravel().tolist(),
        "n_outputs": values.shape[1],
    }


def boosted(nodes):
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "feature": np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]).tolist(),
        "left": np.where(leaf, 0, nodes["left"]).tolist(),
        "right": np.where(leaf, 0, nodes["right"]).tolist(),
        "n_rows": nodes["count"].astype(float).tolist(),
        "values": nodes["value"].tolist(),
        "missing_left": nodes["missing_go_to_left"].astype(bool).tolist(),
        "n_outputs": 1,
    }


def trees():
    cases = {
        "decision tree": ("wine", DecisionTreeClassifier(random_state=0)),
        "deep decision tree": ("diabetes", DecisionTreeRegressor(random_state=0)),
        "decision forest": ("iris", RandomForestClassifier(8, random_state=0)),
        "extra trees": ("wine_proline", ExtraTreesRegressor(5, max_depth=8, random_state=0)),
        "boosted numbers": ("diabetes", HistGradientBoostingRegressor(max_iter=10, max_leaf_nodes=15)),
        "boosted classes": ("breast_cancer", HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=12)),
        "boosted three classes": ("wine", HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=8, min_samples_leaf=5)),
    }
    result = {}
    for what, (name, model) in cases.items():
        x, y, x_test, _ = halves(name)
        x_test = x_test[:N_ROWS]
        is_boosted = what.startswith("boosted")
        if is_boosted:
            x[::7, 0] = np.nan
            x_test[::3, 0] = np.nan
        model.fit(x, y)
        explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
        values = explainer.shap_values(x_test, check_additivity=False)
        # Output by output, row by row.
        values = values[:, :, None] if values.ndim == 2 else values
        if is_boosted:
            fitted = [boosted(tree.nodes) for of_round in model._predictors for tree in of_round]
            base = np.ravel(model._baseline_prediction).tolist()
        else:
            fitted = [plain(tree) for tree in getattr(model, "estimators_", [model])]
            base = []
        result[what] = {
            "trees": fitted,
            "base": base,
            "rows": [[None if np.isnan(v) else v for v in row] for row in x_test],
            "expected": np.ravel(explainer.expected_value).tolist(),
            "values": values.transpose(2, 0, 1).tolist(),
        }
    return result


def linear():
    result = {}
    for what, (name, model) in {
        "linear": ("diabetes", LinearRegression()),
        "logistic": ("breast_cancer", logistic()),
        "logistic of three classes": ("wine", logistic()),
        "poisson": ("diabetes", PoissonRegressor(alpha=1.0, solver="newton-cholesky", tol=1e-12, max_iter=1000)),
    }.items():
        x, y, x_test, _ = halves(name)
        x_test = x_test[:N_ROWS]
        model.fit(x, y)
        explainer = shap.LinearExplainer(model, shap.maskers.Independent(x, max_samples=len(x)))
        values = explainer.shap_values(x_test)
        values = values[:, :, None] if values.ndim == 2 else values
        result[what] = {
            "coefficients": np.atleast_2d(model.coef_).tolist(),
            "intercepts": np.ravel(model.intercept_).tolist(),
            "usual": x.mean(axis=0).tolist(),
            "rows": x_test.tolist(),
            "expected": np.ravel(explainer.expected_value).tolist(),
            "values": values.transpose(2, 0, 1).tolist(),
        }
    return result


def tried(values, how, n, low, high):
    distinct = np.unique(values)
    if len(distinct) <= n:
        return distinct
    shares = np.linspace(low, high, n)
    if how == "even":
        return np.linspace(*np.quantile(values, [low, high]), n)
    return np.unique(np.quantile(values, shares))


def dependence():
    result = []
    for name, model, column, how, n in (
        ("diabetes", LinearRegression(), 2, "quantiles", 12),
        ("diabetes", LinearRegression(), 8, "even", 9),
        ("diabetes", LinearRegression(), 1, "quantiles", 20),
        ("breast_cancer", logistic(), 20, "quantiles", 15),
        ("wine", logistic(), 6, "even", 10),
    ):
        x, y, x_test, _ = halves(name)
        model.fit(x, y)
        values = tried(x_test[:, column], how, n, 0.05, 0.95)
        if len(values) < 2:
            raise ValueError(name)
        how_said = {} if name == "diabetes" else {"response_method": "predict_proba"}
        found = partial_dependence(model, x_test, [column], kind="both", custom_values={column: values}, **how_said)
        result.append(
            {
                "data": name,
                "column": column,
                "grid": how,
                "n_values": n,
                "values": values.tolist(),
                "average": found["average"].tolist(),
                "individual": found["individual"][-1][:5].tolist(),
            }
        )
    return result


if __name__ == "__main__":
    expected = {"importance": importances(), "trees": trees(), "linear": linear(), "dependence": dependence()}
    (HERE / "explaining.json").write_text(json.dumps(expected) + "\n")
