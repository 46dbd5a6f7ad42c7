"""Reference numbers from scikit-learn for learners, transforms and clusterings: writes `learners.json` beside this file.

    python -m pip install -r requirements.txt
    python learners.py

`learners.rs` reads it and holds Millrace to it. Rows come from `data/*.csv`, which `generate.py` writes; every fourth row
is held out, beginning with the first.
"""

import json
import pathlib
import warnings

import numpy as np
from sklearn import metrics
from sklearn.calibration import CalibratedClassifierCV, _SigmoidCalibration, calibration_curve
from sklearn.cluster import DBSCAN, AgglomerativeClustering
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    IsolationForest,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = pathlib.Path(__file__).parent
CLASSES = ("iris", "breast_cancer", "wine", "digits", "generated_class", "moons")
NUMBERS = ("diabetes", "generated_number", "iris_width", "wine_proline", "cancer_texture", "friedman")
N_FOLDS = 4
N_SEEDS = 5
# Rows held out whose predictions are kept one by one.
N_KEPT = 60


def read(name):
    rows = np.loadtxt(HERE / "data" / f"{name}.csv", delimiter=",", skiprows=1)
    return rows[:, :-1], rows[:, -1]


def folds(n):
    for fold in range(N_FOLDS):
        test = np.arange(n) % N_FOLDS == fold
        yield ~test, test


def naive_bayes(x, y, train, test):
    result = {"gaussian": GaussianNB().fit(x[train], y[train]).predict_proba(x[test])[:N_KEPT].ravel()}
    weights = 1 + np.arange(len(y)) % 3
    weighted = GaussianNB(priors=np.full(len(np.unique(y)), 1 / len(np.unique(y))))
    result["weighted"] = weighted.fit(x[train], y[train], weights[train]).predict_proba(x[test])[:N_KEPT].ravel()
    if x.min() >= 0:
        result["multinomial"] = MultinomialNB(alpha=0.5).fit(x[train], y[train]).predict_proba(x[test])[:N_KEPT].ravel()
    result["bernoulli"] = BernoulliNB(binarize=1.5).fit(x[train], y[train]).predict_proba(x[test])[:N_KEPT].ravel()
    return result


def poisson(x, y, train, test):
    result = {}
    for alpha in (1.0, 0.01):
        fitted = PoissonRegressor(alpha=alpha, solver="newton-cholesky", tol=1e-9, max_iter=1_000).fit(x[train], y[train])
        result[str(alpha)] = {
            "coefficients": fitted.coef_,
            "intercept": fitted.intercept_,
            "predicted": fitted.predict(x[test]),
        }
    return result


def svm(x, y, train, test, is_class):
    result = {}
    scaler = StandardScaler().fit(x[train])
    z, held_out = scaler.transform(x[train]), scaler.transform(x[test])
    for name, how in (
        ("linear", {"kernel": "linear", "C": 0.5}),
        ("rbf", {"kernel": "rbf", "C": 2.0}),
        ("polynomial", {"kernel": "poly", "degree": 2, "coef0": 1.0, "C": 1.0}),
    ):
        if is_class:
            fitted = SVC(**how, tol=1e-6, decision_function_shape="ovo").fit(z, y[train])
            decisions = fitted.decision_function(held_out)
            # For two classes above 0 is the second, for a pair of more the first.
            decisions = decisions if decisions.ndim == 1 else -decisions
        else:
            fitted = SVR(**how, epsilon=0.1, tol=1e-6).fit(z, y[train])
            decisions = fitted.predict(held_out)
        result[name] = {"decisions": decisions[:N_KEPT].ravel(), "n_vectors": len(fitted.support_)}
    if is_class:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = SVC(C=2.0, probability=True, random_state=0).fit(z, y[train])
        result["log_loss"] = metrics.log_loss(y[test], fitted.predict_proba(held_out))
        result["accuracy"] = metrics.accuracy_score(y[test], fitted.predict_proba(held_out).argmax(axis=1))
    return result


def neural(x, y, is_class):
    """The mean over seeds; each over all rows, predicted while held out."""
    totals = []
    for seed in range(N_SEEDS):
        predicted = None
        for train, test in folds(len(y)):
            scaler = StandardScaler().fit(x[train])
            center, spread = (0, 1) if is_class else (y[train].mean(), y[train].std())
            learner = MLPClassifier if is_class else MLPRegressor
            fitted = learner(hidden_layer_sizes=(32,), alpha=1e-3, batch_size=32, max_iter=60, tol=0, n_iter_no_change=1_000, random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fitted.fit(scaler.transform(x[train]), (y[train] - center) / spread)
            held_out = scaler.transform(x[test])
            part = fitted.predict_proba(held_out) if is_class else fitted.predict(held_out) * spread + center
            if predicted is None:
                predicted = np.zeros((len(y),) + part.shape[1:])
            predicted[test] = part
        if is_class:
            totals.append(metrics.accuracy_score(y, predicted.argmax(axis=1)))
        else:
            totals.append(metrics.r2_score(y, predicted))
    return {"accuracy" if is_class else "r2": np.mean(totals)}


def components(x):
    z = StandardScaler().fit_transform(x)
    fitted = PCA(svd_solver="full").fit(z)
    k = min(3, x.shape[1])
    return {
        "variances": fitted.explained_variance_[:k],
        "ratios": fitted.explained_variance_ratio_[:k],
        "directions": fitted.components_[:k].ravel(),
        "last_row": fitted.transform(z[-1:])[0, :k],
    }


def leftovers(x):
    """The square of what two components leave of each row, or one where there are two columns."""
    z = StandardScaler().fit_transform(x)
    fitted = PCA(min(2, x.shape[1] - 1), svd_solver="full").fit(z)
    return ((z - fitted.inverse_transform(fitted.transform(z))) ** 2).sum(axis=1)[:N_KEPT]


def anomalies(x, y, is_class):
    """Scores of isolation forests, and how well they tell the smallest class from the others, as means over seeds."""
    forest = lambda seed: IsolationForest(n_estimators=100, max_samples=min(256, len(x)), random_state=seed).fit(x)
    scores = [-forest(seed).score_samples(x) for seed in range(40)]
    result = {"mean_score": np.mean(scores), "largest_score": np.mean([score.max() for score in scores])}
    if is_class:
        rare = y == np.bincount(y.astype(int)).argmin()
        result["auc"] = np.mean([metrics.roc_auc_score(rare, score) for score in scores])
    return result


def clusters(x):
    z = StandardScaler().fit_transform(x)[:600]
    # As it is written, so that a row exactly this far away is within it for both or for neither.
    eps = plain(np.median(np.sort(np.linalg.norm(z[:, None] - z[None], axis=2), axis=1)[:, 5]))
    dense = DBSCAN(eps=eps, min_samples=5).fit(z)
    result = {
        "eps": eps,
        "dbscan": dense.labels_,
        "cores": len(dense.core_sample_indices_),
    }
    for linkage in ("ward", "complete", "average", "single"):
        result[linkage] = AgglomerativeClustering(4, linkage=linkage).fit(z).labels_
    return result


def mixture(x):
    z = StandardScaler().fit_transform(x)
    bounds = {}
    for covariance in ("full", "diag", "spherical"):
        fitted = GaussianMixture(3, covariance_type=covariance, n_init=10, reg_covar=1e-3, tol=1e-6, max_iter=500, random_state=0)
        bounds[covariance] = fitted.fit(z).score(z)
    return bounds


def layered(x, y, train, test, n_deals):
    scaler = StandardScaler().fit(x[train])
    z, held_out = scaler.transform(x[train]), scaler.transform(x[test])
    logistic = lambda: LogisticRegression(solver="newton-cholesky", tol=1e-12, max_iter=500)
    each = OneVsRestClassifier(logistic()).fit(z, y[train])
    result = {"n_deals": n_deals, "one_vs_all": each.predict_proba(held_out)[:N_KEPT].ravel()}
    judge = lambda fitted: {
        "accuracy": metrics.accuracy_score(y[test], fitted.predict(held_out)),
        "log_loss": metrics.log_loss(y[test], fitted.predict_proba(held_out)),
    }
    for method in ("sigmoid", "isotonic"):
        # Folds are dealt by chance: the mean of several deals.
        deals = [StratifiedKFold(5, shuffle=True, random_state=seed) for seed in range(n_deals)]
        fits = [judge(CalibratedClassifierCV(GaussianNB(), method=method, cv=deal, ensemble=True).fit(z, y[train])) for deal in deals]
        result[method] = {name: np.mean([fit[name] for fit in fits]) for name in fits[0]}
    members = [("bayes", GaussianNB()), ("near", KNeighborsClassifier(5, algorithm="brute"))]
    deals = [StratifiedKFold(5, shuffle=True, random_state=seed) for seed in range(n_deals)]
    fits = [judge(StackingClassifier(members, logistic(), cv=deal, stack_method="predict_proba").fit(z, y[train])) for deal in deals]
    result["stacking"] = {name: np.mean([fit[name] for fit in fits]) for name in fits[0]}
    pairs = OneVsOneClassifier(logistic()).fit(z, y[train])
    result["one_vs_one"] = {
        "probabilities": coupled(pairs, held_out[:N_KEPT]).ravel(),
        "accuracy": metrics.accuracy_score(y[test], pairs.predict(held_out)),
    }
    for method in ("sigmoid", "isotonic"):
        deals = [StratifiedKFold(5, shuffle=True, random_state=seed) for seed in range(n_deals)]
        fits = [judge(CalibratedClassifierCV(GaussianNB(), method=method, cv=deal, ensemble=False).fit(z, y[train])) for deal in deals]
        result[f"{method}_of_one"] = {name: np.mean([fit[name] for fit in fits]) for name in fits[0]}
    result["curves"] = curves(GaussianNB().fit(z, y[train]).predict_proba(held_out)[:, 1], y[test] == 1)
    return result


def coupled(pairs, rows):
    """Wu, Lin and Weng's second method, solved as the linear equations that it comes to."""
    k = pairs.n_classes_
    said = [member.predict_proba(rows)[:, 1] for member in pairs.estimators_]
    if k == 2:
        return np.column_stack([1 - said[0], said[0]])
    result = np.zeros((len(rows), k))
    for row in range(len(rows)):
        r = np.zeros((k, k))
        for p, (i, j) in zip(said, ((i, j) for i in range(k) for j in range(i + 1, k))):
            r[j, i] = np.clip(p[row], 1e-7, 1 - 1e-7)
            r[i, j] = 1 - r[j, i]
        q = -r.T * r
        np.fill_diagonal(q, (r.T**2).sum(axis=1))
        equations = np.block([[q, np.ones((k, 1))], [np.ones((1, k)), np.zeros((1, 1))]])
        result[row] = np.linalg.solve(equations, np.append(np.zeros(k), 1.0))[:k]
    return result


def curves(scores, positive):
    """Curves through scores that are kept with them, so that nothing rests on where they came from."""
    scores = np.array([float(f"{score:.10g}") for score in scores[:200]])
    positive = positive[: len(scores)].astype(float)
    grid = np.linspace(0, 1, 41)
    so, said = calibration_curve(positive, scores, n_bins=10)
    thresholds = np.unique(scores)[::-1]
    taken = scores[None] >= thresholds[:, None]
    return {
        "reliability": {"said": said, "so": so},
        "gain": {"share": taken.mean(axis=1), "found": (taken * positive).sum(axis=1) / positive.sum()},
        "scores": scores,
        "positive": positive,
        "sigmoid": _SigmoidCalibration().fit(scores, positive).predict(grid),
        "isotonic": IsotonicRegression(out_of_bounds="clip").fit(scores, positive).predict(grid),
    }


def stacked_numbers(x, y, train, test):
    scaler = StandardScaler().fit(x[train])
    z, held_out = scaler.transform(x[train]), scaler.transform(x[test])
    members = [("near", KNeighborsRegressor(5, algorithm="brute")), ("linear", LinearRegression())]
    deals = [KFold(5, shuffle=True, random_state=seed) for seed in range(N_SEEDS)]
    fits = [StackingRegressor(members, LinearRegression(), cv=deal).fit(z, y[train]) for deal in deals]
    return {"stacking": {"r2": np.mean([metrics.r2_score(y[test], fit.predict(held_out)) for fit in fits])}}


def ada_boost(x, y, train, test, is_class):
    result = {}
    if is_class:
        for name, depth, rate in (("stumps", 1, 1.0), ("deeper", 2, 0.5)):
            fitted = AdaBoostClassifier(DecisionTreeClassifier(max_depth=depth, random_state=0), n_estimators=30, learning_rate=rate)
            fitted.fit(x[train], y[train])
            probabilities = fitted.predict_proba(x[test])
            result[name] = {
                "errors": fitted.estimator_errors_[: len(fitted.estimators_)],
                "accuracy": metrics.accuracy_score(y[test], fitted.predict(x[test])),
                "log_loss": metrics.log_loss(y[test], probabilities),
            }
        return result
    for loss in ("linear", "square", "exponential"):
        # Rows are drawn by chance: the mean of many draws.
        scores = []
        for seed in range(20):
            fitted = AdaBoostRegressor(DecisionTreeRegressor(max_depth=3), n_estimators=50, loss=loss, random_state=seed)
            scores.append(metrics.r2_score(y[test], fitted.fit(x[train], y[train]).predict(x[test])))
        result[loss] = np.mean(scores)
    return result


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, (np.integer, int)):
        return int(value)
    return float(f"{value:.10g}")


def main():
    result = {}
    for name in CLASSES + NUMBERS:
        x, y = read(name)
        is_class = name in CLASSES
        train, test = next(iter(folds(len(y))))
        own = {"svm": svm(x, y, train, test, is_class), "neural": neural(x, y, is_class), "pca": components(x)}
        own["ada_boost"] = ada_boost(x, y, train, test, is_class)
        own["leftovers"] = leftovers(x)
        own["anomalies"] = anomalies(x, y, is_class)
        own["clusters"] = clusters(x)
        own["mixture"] = mixture(x)
        if is_class:
            own["naive_bayes"] = naive_bayes(x, y, train, test)
            # Isotonic steps are wrongly certain of one of the moons' rows in four deals of five: few deals say little.
            own["layered"] = layered(x, y, train, test, 200 if name == "moons" else N_SEEDS)
        elif y.min() >= 0:
            own["poisson"] = poisson(x, y, train, test)
        if not is_class:
            own["layered"] = stacked_numbers(x, y, train, test)
        result[name] = own
        print(name)
    (HERE / "learners.json").write_text(json.dumps(plain(result)) + "\n")


if __name__ == "__main__":
    main()
