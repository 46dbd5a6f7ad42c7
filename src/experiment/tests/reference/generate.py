"""Reference numbers from SciPy, statsmodels and matplotlib: writes `expected.json` beside this file.

    python -m pip install -r requirements.txt
    python generate.py

Nothing here is random: values come from a linear congruential generator.
"""

import json
import math
import pathlib
import platform

import matplotlib
import numpy as np
import scipy
import statsmodels
from matplotlib.cbook import boxplot_stats
from scipy import stats
from statsmodels.stats.multitest import multipletests

HERE = pathlib.Path(__file__).parent


def uniform(n, seed):
    """Numerical Recipes' generator, so that the values do not depend on numpy's."""
    state, drawn = seed, []
    for _ in range(n):
        state = (1664525 * state + 1013904223) % 2**32
        drawn.append(state / 2**32)
    return np.array(drawn)


def pairs(n, seed, shift):
    u = uniform(2 * n, seed)
    first = 0.7 + 0.1 * u[:n]
    return first.round(6), (first - shift + 0.05 * (u[n:] - 0.5)).round(6)


def spreads():
    samples = [
        [1.0, 2.0],
        [0.1, 0.2, 0.3, 0.4],
        [0.825, 0.831, 0.819, 0.840, 0.828],
        [1e9 + 1, 1e9 + 2, 1e9 + 4],
        list(uniform(30, 1).round(6)),
        list((1e-3 * uniform(1001, 2)).round(9)),
    ]
    rows = []
    for values in samples:
        x = np.array(values)
        error = stats.sem(x)
        low, high = stats.t.interval(0.95, len(x) - 1, loc=x.mean(), scale=error)
        rows.append(
            {
                "values": values,
                "mean": x.mean(),
                "median": np.median(x),
                "std": x.std(ddof=1),
                "standard_error": error,
                "low": low,
                "high": high,
            }
        )
    return rows


def boxes():
    """Quartiles by `numpy.percentile` with its linear method; whiskers and outliers as matplotlib draws them."""
    samples = [
        [0.5],
        [1.0, 2.0],
        [1.0, 2.0, 3.0],
        [1.0, 2.0, 3.0, 100.0],
        [0.825, 0.831, 0.819, 0.840, 0.828, 0.7, 0.95],
        [2.0, 2.0, 2.0, 2.0, 2.0, 3.0, 1.0],
        [0.1 * i for i in range(10)],
        list(uniform(101, 3).round(6) ** 6),
        list((uniform(240, 4).round(6) - 0.5) ** 3),
    ]
    rows = []
    for values in samples:
        (box,) = boxplot_stats(values, whis=1.5)
        q1, median, q3 = np.percentile(values, [25, 50, 75], method="linear")
        low, high = box["whislo"], box["whishi"]
        outliers = sorted(box["fliers"])
        rows.append(
            {"values": values, "low": low, "q1": q1, "median": median, "q3": q3, "high": high, "outliers": outliers}
        )
    return rows


def student():
    dofs = [1, 2, 3, 4, 5, 9, 10, 29, 99, 1_000, 9_999, 1_000_000]
    # Nearer to 0, SciPy itself loses digits: of t = 1e-6 with one degree of freedom, where p is 1 - 2/pi atan(t).
    ts = [0.01, 0.5, 1.0, 1.96, 2.5, 5.0, 12.0, 40.0]
    quantiles = [0.999, 0.5, 0.32, 0.1, 0.05, 0.01, 1e-3, 1e-6]
    return {
        "p": [{"t": t, "dof": v, "p": 2 * stats.t.sf(t, v)} for v in dofs for t in ts if stats.t.sf(t, v) > 1e-280],
        "quantile": [{"p": p, "dof": v, "t": stats.t.isf(p / 2, v)} for v in dofs for p in quantiles],
    }


def paired():
    rows = []
    for n, seed, shift in [(2, 3, 0.01), (5, 4, 0.0), (10, 5, 0.01), (10, 6, 0.0), (100, 7, 0.003)]:
        first, second = pairs(n, seed, shift)
        result = stats.ttest_rel(first, second)
        interval = result.confidence_interval(0.95)
        rows.append(
            {
                "first": list(first),
                "second": list(second),
                "t": result.statistic,
                "p": result.pvalue,
                "low": interval.low,
                "high": interval.high,
            }
        )
    return rows


def corrected():
    """Nadeau and Bengio (2003): the variance of the mean difference is (1/n + n_test/n_train) s^2."""
    rows = []
    for n, seed, shift, n_train, n_test in [
        (5, 8, 0.01, 80, 20),
        (10, 9, 0.01, 900, 100),
        (10, 10, 0.0, 1901, 212),
        (100, 11, 0.004, 135, 15),
    ]:
        first, second = pairs(n, seed, shift)
        d = first - second
        error = math.sqrt((1 / n + n_test / n_train) * d.var(ddof=1))
        t = d.mean() / error
        low, high = stats.t.interval(0.95, n - 1, loc=d.mean(), scale=error)
        rows.append(
            {
                "first": list(first),
                "second": list(second),
                "n_train": n_train,
                "n_test": n_test,
                "t": t,
                "p": 2 * stats.t.sf(abs(t), n - 1),
                "low": low,
                "high": high,
            }
        )
    return rows


def mcnemar():
    rows = []
    for b, c in [(0, 1), (1, 0), (5, 5), (6, 5), (10, 2), (25, 9), (121, 59), (1_000, 1_100), (0, 40), (60_000, 60_700)]:
        chi_squared = max(abs(b - c) - 1, 0) ** 2 / (b + c)
        rows.append(
            {
                "first_only": b,
                "second_only": c,
                "p_exact": stats.binomtest(min(b, c), b + c, 0.5).pvalue,
                "chi_squared": chi_squared,
                "p_chi_squared": stats.chi2.sf(chi_squared, 1),
            }
        )
    return rows


def wilcoxon():
    rows = []

    def add(first, second, **how):
        result = stats.wilcoxon(first, second, zero_method="wilcox", correction=False, **how)
        rows.append(
            {"first": list(first), "second": list(second), "statistic": result.statistic, "p": result.pvalue}
        )

    for n, seed, shift in [(1, 20, 0.01), (5, 12, 0.01), (10, 13, 0.01), (20, 14, 0.0), (50, 15, 0.004)]:
        add(*pairs(n, seed, shift), method="exact")
    # Every one of the 2^n signs; zeros are left out, as the method "wilcox" does.
    every = stats.PermutationMethod(n_resamples=np.inf)
    first = np.array([3.0, 4.0, 4.0, 5.0, 7.0, 2.0, 9.0, 1.0])
    add(first, first - [1.0, 1.0, -1.0, 2.0, 2.0, -3.0, 4.0, 0.5], method=every)
    first, second = pairs(10, 16, 0.01)
    add(first.round(2), second.round(2), method=every)
    for n, seed in [(51, 17), (120, 18)]:
        add(*pairs(n, seed, 0.003), method="approx")
    for n, seed in [(90, 17), (120, 18)]:
        first, second = (x.round(2) for x in pairs(n, seed, 0.003))
        assert sum(first != second) > 50, "fewer are counted out exactly"
        add(first, second, method="approx")
    return rows


def holm():
    lists = [[0.01], [0.04, 0.01, 0.03], [0.01, 0.01, 0.02, 0.5], [0.9, 0.8, 0.05], list(uniform(12, 19).round(4) / 5)]
    return [{"p": p, "adjusted": list(multipletests(p, method="holm")[1])} for p in lists]


def main():
    versions = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "statsmodels": statsmodels.__version__,
        "matplotlib": matplotlib.__version__,
    }
    expected = {
        "versions": versions,
        "spreads": spreads(),
        "boxes": boxes(),
        "student": student(),
        "paired": paired(),
        "corrected": corrected(),
        "mcnemar": mcnemar(),
        "wilcoxon": wilcoxon(),
        "holm": holm(),
    }
    text = json.dumps(expected, indent=1, default=float)
    (HERE / "expected.json").write_text(text + "\n")


main()
