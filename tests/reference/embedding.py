"""t-SNE by scikit-learn: reads `data/*.csv`, writes `embedding.json`, both beside this file.

    python -m pip install -r requirements.txt
    python embedding.py

- `likeness`: joint probabilities of every tenth row. scikit-learn holds distances in single precision, so the rows are whole
  numbers, whose squared distances it holds exactly.
- `descent`: fifty steps from places drawn here, one degree of freedom in space as in the plane: the divergence before each
  step and the slopes before some. scikit-learn takes two degrees in space, with what is not the slope of its divergence.
- `result`: the divergence of finished embeddings and how far neighbours are true to the rows (trustworthiness).
"""

import json
import pathlib

import numpy as np
from scipy.spatial.distance import squareform
from sklearn.manifold import TSNE, trustworthiness
from sklearn.manifold._t_sne import _gradient_descent, _joint_probabilities, _kl_divergence
from sklearn.metrics import pairwise_distances

HERE = pathlib.Path(__file__).parent
N_STEPS = 50
# Steps whose slopes are kept.
KEPT = [0, 9, 24, 49]


def rows(name, n_rows=None):
    return np.loadtxt(HERE / "data" / f"{name}.csv", delimiter=",", skiprows=1)[:n_rows, :-1]


def whole(name, n_rows=None):
    """Tenths of centimetres and shades of grey as whole numbers."""
    return np.round(rows(name, n_rows) * (10 if name == "iris" else 1))


def joint(x, perplexity):
    return _joint_probabilities(pairwise_distances(x, squared=True), perplexity, 0)


def likeness():
    result = []
    for name, n_rows, perplexity in (("iris", 150, 30.0), ("iris", 150, 5.0), ("digits", 200, 12.5)):
        p = squareform(joint(whole(name, n_rows), perplexity))
        result.append({"data": name, "n_rows": n_rows, "perplexity": perplexity, "shares": p[::10].tolist()})
    return result


def descent():
    result = []
    stream = np.random.RandomState(0)
    for name, n_rows, perplexity, n_components, exaggeration, momentum, rate, spread in (
        # At a rate of 50 the smallest differences grow a thousandfold in ten steps, whoever computes them.
        ("digits", 120, 10.0, 2, 12.0, 0.5, 8.0, 1e-4),
        ("digits", 120, 10.0, 3, 12.0, 0.5, 8.0, 1e-4),
        ("iris", 100, 20.0, 2, 12.0, 0.5, 5.0, 1e-4),
        ("iris", 100, 20.0, 2, 1.0, 0.8, 50.0, 2.0),
    ):
        start = spread * stream.standard_normal((n_rows, n_components))
        divergences, slopes = [], []

        def watched(places, *args, **kwargs):
            divergence, slope = _kl_divergence(places, *args, **{**kwargs, "compute_error": True})
            if len(divergences) in KEPT:
                slopes.append(slope.tolist())
            divergences.append(float(divergence))
            return divergence, slope

        p = exaggeration * joint(whole(name, n_rows), perplexity)
        _gradient_descent(
            watched,
            start.ravel(),
            0,
            N_STEPS,
            n_iter_check=N_STEPS,
            momentum=momentum,
            learning_rate=rate,
            args=[p, 1, n_rows, n_components],
        )
        result.append(
            {
                "data": name,
                "n_rows": n_rows,
                "perplexity": perplexity,
                "exaggeration": exaggeration,
                "momentum": momentum,
                "learning_rate": rate,
                "start": start.tolist(),
                "divergences": divergences,
                "slopes": slopes,
            }
        )
    return result


def results():
    result = []
    for name, n_rows, method in (
        ("iris", 150, "exact"),
        ("wine", 178, "exact"),
        ("digits", 500, "exact"),
        ("digits", 1797, "barnes_hut"),
    ):
        x = rows(name, n_rows)
        model = TSNE(method=method, init="pca", random_state=0)
        places = model.fit_transform(x)
        result.append(
            {
                "data": name,
                "n_rows": n_rows,
                "method": method,
                "divergence": float(model.kl_divergence_),
                "trustworthiness": float(trustworthiness(x, places)),
            }
        )
    return result


if __name__ == "__main__":
    expected = {"likeness": likeness(), "descent": descent(), "result": results(), "kept": KEPT}
    (HERE / "embedding.json").write_text(json.dumps(expected) + "\n")
