"""Reference numbers from scikit-learn: writes `data/*.csv` and `expected.json` beside this file.

    python -m pip install -r requirements.txt
    python generate.py            # write
    python generate.py --versions # print what it would write with

`reference.rs` reads both and holds Millrace to them. Nothing here is random: data sets come from scikit-learn's
package, the generated ones from a linear congruential generator, and rows are held out by their position.
"""

import json
import pathlib
import platform
import sys

import numpy as np
import scipy
import scipy.special
import scipy.stats
import sklearn
from sklearn import datasets, metrics
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = pathlib.Path(__file__).parent
N_FOLDS = 4
N_SEEDS = 10
N_TREES = 200


def versions():
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def uniform(n, seed):
    """Numerical Recipes' generator, so that the data do not depend on numpy's."""
    state, drawn = seed, []
    for _ in range(n):
        state = (1664525 * state + 1013904223) % 2**32
        drawn.append(state / 2**32)
    return np.array(drawn)


def generated():
    """Correlated, skewed, unequally scaled columns, one constant, one repeated; a number and a class to predict."""
    n, d = 400, 8
    u = uniform(n * (d + 2), 2024).reshape(n, d + 2)
    x = u[:, :d] * 2 - 1
    x[:, 1] = 0.95 * x[:, 0] + 0.05 * x[:, 1]
    x[:, 2] = np.exp(3 * x[:, 2])
    x[:, 3] = 1000 + 250 * x[:, 3]
    x[:, 4] = 0.001 * x[:, 4]
    x[:, 5] = np.floor(4 * u[:, 5])
    x = np.column_stack([x, np.full(n, 7.25), x[:, 5]]).round(9)
    score = 2 * x[:, 0] - x[:, 1] + 0.2 * x[:, 2] + 0.004 * (x[:, 3] - 1000) - 0.5 * x[:, 5] + 0.8 * x[:, 6]
    y = (score + 0.6 * (u[:, d] - 0.5)).round(9)
    c = (score + 2.5 * (u[:, d + 1] - 0.5) > np.median(score)).astype(int)
    return x, y, c


def moons():
    """Two half circles that reach into each other, blurred: no line parts the classes."""
    n = 400
    u = uniform(n * 6, 1860).reshape(n, 6)
    c = (u[:, 0] < 0.5).astype(int)
    t = np.pi * u[:, 1]
    x = np.where(c, 1 - np.cos(t), np.cos(t)) + 0.5 * (u[:, 2] + u[:, 3] - 1)
    y = np.where(c, 0.5 - np.sin(t), np.sin(t)) + 0.5 * (u[:, 4] + u[:, 5] - 1)
    return np.column_stack([x, y]).round(9), c


def friedman():
    """Friedman, 1991, his first: five columns that count, not by weighted sums, and five that do not."""
    n, d = 400, 10
    u = uniform(n * (d + 3), 1991).reshape(n, d + 3)
    x = u[:, :d].round(9)
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return x, (y + 2 * (u[:, d:].sum(axis=1) - 1.5)).round(9)


def load():
    sets = {}
    for name in ("iris", "breast_cancer", "wine", "digits"):
        bunch = getattr(datasets, f"load_{name}")()
        sets[name] = (bunch.data, bunch.target, "class")
    bunch = datasets.load_diabetes(scaled=False)
    sets["diabetes"] = (bunch.data, bunch.target, "number")
    # Real numbers to predict in sets that are known for their classes: one column from the others.
    for name, source, column in (("iris_width", "iris", 3), ("wine_proline", "wine", 12), ("cancer_texture", "breast_cancer", 1)):
        x = getattr(datasets, f"load_{source}")().data
        sets[name] = (np.delete(x, column, axis=1), x[:, column], "number")
    x, y, c = generated()
    sets["generated_number"] = (x, y, "number")
    sets["generated_class"] = (x, c, "class")
    sets["moons"] = (*moons(), "class")
    sets["friedman"] = (*friedman(), "number")
    return sets


def write_csv(name, x, y):
    names = [f"x{j}" for j in range(x.shape[1])] + ["target"]
    whole = lambda v: repr(int(v)) if float(v).is_integer() else repr(float(v))
    lines = [",".join(names)] + [",".join(whole(v) for v in row) for row in np.column_stack([x, y])]
    (HERE / "data" / f"{name}.csv").write_text("\n".join(lines) + "\n")


def folds(n):
    for fold in range(N_FOLDS):
        test = np.arange(n) % N_FOLDS == fold
        yield ~test, test


def class_metrics(actual, p):
    predicted = p.argmax(axis=1)
    k = p.shape[1]
    binary = k == 2
    score = p[:, 1] if binary else p
    average = "binary" if binary else "macro"
    one_hot = np.eye(k)[actual]
    of = lambda function, how: function(actual, predicted, average=how, zero_division=0)
    both = {
        "accuracy": metrics.accuracy_score(actual, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(actual, predicted),
        "precision": of(metrics.precision_score, average),
        "recall": of(metrics.recall_score, average),
        "f1": of(metrics.f1_score, average),
        "macro_precision": of(metrics.precision_score, "macro"),
        "macro_recall": of(metrics.recall_score, "macro"),
        "macro_f1": of(metrics.f1_score, "macro"),
        "weighted_precision": of(metrics.precision_score, "weighted"),
        "weighted_recall": of(metrics.recall_score, "weighted"),
        "weighted_f1": of(metrics.f1_score, "weighted"),
        "auc": np.mean([metrics.roc_auc_score(one_hot[:, j], p[:, j]) for j in range(k)])
        if not binary
        else metrics.roc_auc_score(actual, score),
        "average_precision": np.mean([metrics.average_precision_score(one_hot[:, j], p[:, j]) for j in range(k)])
        if not binary
        else metrics.average_precision_score(actual, score),
        "brier": ((p - one_hot) ** 2).sum(axis=1).mean() / (2 if binary else 1),
        "mcc": metrics.matthews_corrcoef(actual, predicted),
        "kappa": metrics.cohen_kappa_score(actual, predicted),
        "log_loss": metrics.log_loss(actual, p / p.sum(axis=1, keepdims=True)),
    }
    return both


def number_metrics(actual, predicted):
    spread = actual - actual.mean()
    error = actual - predicted
    return {
        "mae": metrics.mean_absolute_error(actual, predicted),
        "mse": metrics.mean_squared_error(actual, predicted),
        "rmse": metrics.root_mean_squared_error(actual, predicted),
        "median_absolute_error": metrics.median_absolute_error(actual, predicted),
        "max_error": metrics.max_error(actual, predicted),
        "r2": metrics.r2_score(actual, predicted),
        "explained_variance": metrics.explained_variance_score(actual, predicted),
        "relative_absolute_error": np.abs(error).sum() / np.abs(spread).sum(),
        "relative_squared_error": (error**2).sum() / (spread**2).sum(),
    }


def scaled(x):
    return StandardScaler().fit_transform(x)


def shapes(x):
    """The last row under the other methods of scaling; log-normal for columns above 0, which differ."""
    last = x[-1].astype(float)
    fits = [j for j in range(x.shape[1]) if x[:, j].min() > 0 and np.ptp(x[:, j]) > 0]
    logs = np.log(x[:, fits].astype(float))
    cdf = scipy.stats.lognorm.cdf(last[fits], s=logs.std(axis=0), scale=np.exp(logs.mean(axis=0)))
    varies = np.ptp(x, axis=0) > 0
    of = lambda ddof: ((last - x.mean(axis=0)) / np.where(varies, x.std(axis=0, ddof=ddof), 1) * varies)
    return {
        "logistic": np.where(varies, scipy.special.expit(of(0)), 0),
        "tanh": np.tanh(of(0)),
        "sample": of(1),
        "log_normal_columns": fits,
        "log_normal": cdf,
    }


def neighbors(x, y, is_class):
    """Predictions of the held-out rows, and which of them have no tie for the last neighbour."""
    train, test = next(iter(folds(len(y))))
    x = scaled(x)
    result = {}
    for weights in ("uniform", "distance"):
        learner = KNeighborsClassifier if is_class else KNeighborsRegressor
        fitted = learner(5, weights=weights, algorithm="brute").fit(x[train], y[train])
        result[weights] = (fitted.predict_proba if is_class else fitted.predict)(x[test]).ravel()
    distances, _ = fitted.kneighbors(x[test], 6)
    result["clear"] = (distances[:, 5] - distances[:, 4] > 1e-9 * distances[:, 5]).astype(int)
    fitted = learner(5, metric="manhattan", algorithm="brute").fit(x[train], y[train])
    result["manhattan"] = (fitted.predict_proba if is_class else fitted.predict)(x[test]).ravel()
    distances, _ = fitted.kneighbors(x[test], 6)
    result["clear_manhattan"] = (distances[:, 5] - distances[:, 4] > 1e-9 * distances[:, 5]).astype(int)
    return result


def cross_validated(make, x, y, is_class, n_seeds):
    """The mean of a metric over seeds; each is taken over all rows, predicted while held out."""
    totals = []
    for seed in range(n_seeds):
        predicted = None
        for train, test in folds(len(y)):
            fitted = make(seed).fit(x[train], y[train])
            part = fitted.predict_proba(x[test]) if is_class else fitted.predict(x[test])
            if predicted is None:
                predicted = np.zeros((len(y),) + part.shape[1:])
            predicted[test] = part
        if is_class:
            one_hot = np.eye(predicted.shape[1])[y]
            auc = np.mean([metrics.roc_auc_score(one_hot[:, j], predicted[:, j]) for j in range(predicted.shape[1])])
            totals.append({"accuracy": metrics.accuracy_score(y, predicted.argmax(axis=1)), "auc": auc})
        else:
            totals.append({"r2": metrics.r2_score(y, predicted)})
    return {name: np.mean([total[name] for total in totals]) for name in totals[0]}


def trees(x, y, is_class):
    tree = DecisionTreeClassifier if is_class else DecisionTreeRegressor
    forest = RandomForestClassifier if is_class else RandomForestRegressor
    on_training = lambda **how: float(np.mean([tree(**how, random_state=s).fit(x, y).score(x, y) for s in range(N_SEEDS)]))
    make = lambda seed: forest(N_TREES, max_features="sqrt", random_state=seed, n_jobs=2)
    extra = ExtraTreesClassifier if is_class else ExtraTreesRegressor
    make_extra = lambda seed: extra(N_TREES, max_features="sqrt", random_state=seed, n_jobs=2)
    return {
        "tree_depth_4_training": on_training(max_depth=4),
        "tree_wide_leaves_training": on_training(max_depth=6, min_samples_leaf=10, min_samples_split=30),
        "tree_entropy_training": on_training(max_depth=4, criterion="entropy") if is_class else 0,
        "tree_depth_4": cross_validated(lambda s: tree(max_depth=4, random_state=s), x, y, is_class, N_SEEDS),
        # R² scatters more from seed to seed than accuracy: by 0.006 for cancer_texture.
        "forest": cross_validated(make, x, y, is_class, 5 if is_class else 12),
        "extra_trees": cross_validated(make_extra, x, y, is_class, 5 if is_class else 12),
    }


def of_classes(x, y):
    train, test = next(iter(folds(len(y))))
    fits = {}
    for l2 in (1.0, 0.1):
        fitted = LogisticRegression(C=1 / l2, solver="newton-cholesky", tol=1e-12, max_iter=500).fit(x[train], y[train])
        p = fitted.predict_proba(x[test])
        fits[str(l2)] = {
            "coefficients": fitted.coef_.ravel(),
            "intercepts": fitted.intercept_ - (0 if len(fitted.intercept_) == 1 else fitted.intercept_.mean()),
            "accuracy": metrics.accuracy_score(y[test], p.argmax(axis=1)),
            "log_loss": metrics.log_loss(y[test], p),
        }
    z = scaled(x)
    for name, l1, l2 in (("l1", 1.0, 0.0), ("elastic_net", 0.5, 0.5)):
        how = {"solver": "saga", "tol": 1e-7, "max_iter": 5_000, "random_state": 0}
        fitted = LogisticRegression(C=1 / (l1 + l2), l1_ratio=l1 / (l1 + l2), **how).fit(z[train], y[train])
        p = fitted.predict_proba(z[test])
        w = fitted.coef_
        own = metrics.log_loss(y[train], fitted.predict_proba(z[train]), normalize=False)
        fits[name] = {
            "objective": own + l1 * np.abs(w).sum() + l2 / 2 * (w**2).sum(),
            "accuracy": metrics.accuracy_score(y[test], p.argmax(axis=1)),
            "log_loss": metrics.log_loss(y[test], p),
        }
    balanced = LogisticRegression(solver="newton-cholesky", tol=1e-12, max_iter=500, class_weight="balanced")
    fits["balanced"] = {"coefficients": balanced.fit(x[train], y[train]).coef_.ravel()}
    # Rounded, so that scores tie.
    p = LogisticRegression(C=0.001, solver="newton-cholesky").fit(x[train], y[train]).predict_proba(x[test]).round(2)
    result = {"logistic": fits, "scores": p.ravel(), "metrics": class_metrics(y[test], p)}
    if p.shape[1] == 2:
        fpr, tpr, _ = metrics.roc_curve(y[test], p[:, 1])
        result["roc"] = {"fpr": fpr, "tpr": tpr}
        precision, recall, _ = metrics.precision_recall_curve(y[test], p[:, 1])
        result["precision_recall"] = {"precision": precision, "recall": recall}
    result["confusion"] = metrics.confusion_matrix(y[test], p.argmax(axis=1)).ravel()
    result["baseline"] = {
        how: DummyClassifier(strategy=how).fit(x[train], y[train]).predict_proba(x[test][:1])[0]
        for how in ("prior", "most_frequent")
    }
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(y.reshape(-1, 1))
    result["one_hot"] = {"sums": one_hot.sum(axis=0), "last_row": one_hot[-1]}
    result["clustering"] = {
        "silhouette": metrics.silhouette_score(z, y),
        "davies_bouldin": metrics.davies_bouldin_score(z, y),
        "inertia": sum(((z[y == c] - z[y == c].mean(axis=0)) ** 2).sum() for c in np.unique(y)),
    }
    return result


def of_numbers(x, y):
    train, test = next(iter(folds(len(y))))
    learners = {
        "least_squares": LinearRegression(),
        "ridge_1": Ridge(alpha=1.0, solver="svd"),
        "ridge_100": Ridge(alpha=100.0, solver="svd"),
        "lasso_0.1": Lasso(alpha=0.1, tol=1e-14, max_iter=10_000_000),
        "lasso_1": Lasso(alpha=1.0, tol=1e-14, max_iter=10_000_000),
        "elastic_net": ElasticNet(alpha=0.5, l1_ratio=0.4, tol=1e-14, max_iter=10_000_000),
    }
    fits = {}
    for name, learner in learners.items():
        fitted = learner.fit(x[train], y[train])
        fits[name] = {
            "coefficients": fitted.coef_,
            "intercept": fitted.intercept_,
            "r2": metrics.r2_score(y[test], fitted.predict(x[test])),
        }
    weights = 1 + np.arange(len(y)) % 3
    fitted = Ridge(alpha=1.0, solver="cholesky").fit(x[train], y[train], sample_weight=weights[train])
    fits["weighted_ridge_1"] = {"coefficients": fitted.coef_, "intercept": fitted.intercept_}
    predicted = learners["ridge_1"].predict(x[test]).round(3)
    baseline = {
        how: DummyRegressor(strategy=how).fit(x[train], y[train]).predict(x[test][:1])[0] for how in ("mean", "median")
    }
    return {
        "linear": fits,
        "scores": predicted,
        "metrics": number_metrics(y[test].astype(float), predicted),
        "baseline": baseline,
    }


def of_both(x, y, is_class):
    kmeans = {
        str(k): KMeans(k, n_init=50, random_state=0).fit(scaled(x)).inertia_ for k in (2, 3, 5)
    }
    # Rows that differ, in their order, so that nothing is drawn.
    z = scaled(x)
    first = z[np.sort(np.unique(z, axis=0, return_index=True)[1])[:3]]
    lloyd = KMeans(3, init=first, n_init=1, algorithm="lloyd").fit(z)
    hollow = x.astype(float).copy()
    hollow[np.arange(hollow.size).reshape(hollow.shape) % 7 == 3] = np.nan
    impute = lambda strategy: SimpleImputer(strategy=strategy).fit(hollow).statistics_
    zscore, min_max = StandardScaler().fit(x), MinMaxScaler().fit(x)
    return {
        "z_score": {"means": zscore.mean_, "deviations": zscore.scale_, "last_row": zscore.transform(x[-1:])[0]},
        "min_max": {"minima": min_max.data_min_, "ranges": min_max.data_range_, "last_row": min_max.transform(x[-1:])[0]},
        "impute": {"mean": impute("mean"), "median": impute("median"), "mode": impute("most_frequent")},
        "complete_rows": (~np.isnan(hollow).any(axis=1)).sum(),
        "shapes": shapes(x),
        "lloyd": {"inertia": lloyd.inertia_, "sizes": np.bincount(lloyd.labels_)},
        "neighbors": neighbors(x, y, is_class),
        "k_means": kmeans,
        "trees": trees(x, y, is_class),
    }


def plain(value):
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (np.ndarray, list)):
        return [plain(part) for part in value]
    return int(value) if float(value).is_integer() else float(value)


def main():
    if "--versions" in sys.argv:
        print(json.dumps(versions(), indent=2))
        return
    (HERE / "data").mkdir(exist_ok=True)
    expected = {}
    for name, (x, y, kind) in load().items():
        is_class = kind == "class"
        write_csv(name, x, y)
        own = of_classes(x, y) if is_class else of_numbers(x, y)
        expected[name] = plain({**own, **of_both(x, y, is_class)}) | {"kind": kind}
        print(name, "done", file=sys.stderr)
    lines = [f'"{name}": {json.dumps(value)}' for name, value in expected.items()]
    text = '{"versions": ' + json.dumps(versions()) + ',\n"sets": {\n' + ",\n".join(lines) + "\n}}\n"
    (HERE / "expected.json").write_text(text)


main()
