"""Writes ensemble.json: ensembles chosen by plain numpy, with the metrics of scikit-learn.

    python src/automl/tests/reference/ensemble.py > src/automl/tests/reference/ensemble.json

Written with scikit-learn 1.9.1 and numpy 2.
"""

import json

import numpy as np
from sklearn.metrics import log_loss, r2_score, roc_auc_score

N_ROUNDS, MAX_MEMBERS, N_PARTS = 25, 8, 5
EQUAL = 1e-12


def score(metric, truth, predicted):
    if metric == "auc":
        return roc_auc_score(truth, predicted[:, 1])
    if metric == "log_loss":
        return -log_loss(truth, predicted, labels=range(predicted.shape[1]))
    return r2_score(truth, predicted[:, 0])


def choose(metric, truth, library):
    counts, best = np.zeros(len(library), int), (-np.inf, None)
    for _ in range(N_ROUNDS):
        added = (-np.inf, None)
        for k in range(len(library)):
            if counts[k] == 0 and np.count_nonzero(counts) >= MAX_MEMBERS:
                continue
            grown = counts.copy()
            grown[k] += 1
            value = score(metric, truth, np.average(library, axis=0, weights=grown))
            if value > added[0] + EQUAL:
                added = (value, k)
        counts[added[1]] += 1
        if added[0] > best[0] + EQUAL:
            best = (added[0], counts.copy())
    return best[1]


def worth(metric, truth, library):
    together, alone = [], []
    for part in range(N_PARTS):
        own = np.arange(len(truth)) % N_PARTS == part
        counts = choose(metric, truth[~own], library[:, ~own])
        single = 0
        for k in range(1, len(library)):
            if score(metric, truth[~own], library[k][~own]) > score(metric, truth[~own], library[single][~own]) + EQUAL:
                single = k
        together.append(score(metric, truth[own], np.average(library[:, own], axis=0, weights=counts)))
        alone.append(score(metric, truth[own], library[single][own]))
    gains = np.subtract(together, alone)
    sign = -1 if metric == "log_loss" else 1
    return {
        "value": sign * np.mean(together),
        "best_alone": sign * np.mean(alone),
        "gain": np.mean(gains),
        "standard_error": np.std(gains, ddof=1) / np.sqrt(N_PARTS),
    }


def case(metric, n_rows, width, n_models, seed):
    rng = np.random.default_rng(seed)
    if width == 1:
        truth = rng.normal(size=n_rows).round(6)
        library = np.stack([truth + rng.normal(scale=0.4 + 0.1 * k, size=n_rows) for k in range(n_models)])[..., None]
    else:
        truth = np.arange(n_rows) * 7 % width
        logits = np.stack(
            [3 * np.eye(width)[truth] * 0.5 + rng.normal(scale=1 + 0.2 * k, size=(n_rows, width)) for k in range(n_models)]
        )
        library = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    library = library.round(6)
    if width > 1:
        library[:, :, -1] = 1 - library[:, :, :-1].sum(axis=2)
    return {
        "metric": metric,
        "truth": truth.tolist(),
        "n_classes": width if width > 1 else 0,
        "predicted": library.reshape(n_models, -1).tolist(),
        "counts": choose(metric, truth, library).tolist(),
        "worth": worth(metric, truth, library),
    }


print(json.dumps([case("auc", 120, 2, 6, 1), case("log_loss", 90, 3, 10, 2), case("r2", 80, 1, 5, 3)]))
