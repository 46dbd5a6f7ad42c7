"""Drift of fifty columns by SciPy: writes `drift.json` beside this file.

    python -m pip install -r requirements.txt
    python drift.py

The values are drawn here as in `src/monitor/tests/drift.rs`, from the same stream of random numbers and by arithmetic that
rounds alike everywhere, so that only what SciPy says of them need be kept.
"""

import json
import pathlib

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, false_discovery_control, ks_2samp, wasserstein_distance

MASK = 2**64 - 1


class Stream:
    """xoshiro256++, seeded through SplitMix64, as in the crate `numeric`."""

    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            self.state.append(z ^ (z >> 31))

    def uniform(self):
        a, b, c, d = self.state
        rotate = lambda x, n: ((x << n) | (x >> (64 - n))) & MASK
        drawn = (rotate((a + d) & MASK, 23) + a) & MASK
        c, d = c ^ a, d ^ b
        self.state = [a ^ d, b ^ c, c ^ ((b << 17) & MASK), rotate(d, 45)]
        return (drawn >> 11) * 2.0**-53


def bell(stream):
    return stream.uniform() + stream.uniform() + stream.uniform() + stream.uniform()


NUMBERS = {
    "bell": bell,
    "skewed": lambda stream: (u := stream.uniform()) * u * u,
    "whole": lambda stream: float(int(stream.uniform() * 12.0)),
    "rare": lambda stream: float(int(stream.uniform() * 1.1)),
}


def compare(p_counts, q_counts):
    p, q = p_counts / p_counts.sum(), q_counts / q_counts.sum()
    some_p, some_q = np.where(p == 0, 0.0001, p), np.where(q == 0, 0.0001, q)
    return {
        "psi": ((some_q - some_p) * np.log(some_q / some_p)).sum(),
        "jensen_shannon": jensenshannon(p, q, base=2),
        "total_variation": np.abs(p - q).sum() / 2,
    }


def numbers(stream, draw, n_reference, n_window, shift, scale):
    reference = np.sort([draw(stream) for _ in range(n_reference)])
    window = np.array([draw(stream) * scale + shift for _ in range(n_window)])
    edges = np.unique(reference)
    if len(edges) > 10:
        edges = np.unique(reference[[bin * n_reference // 10 for bin in range(10)]])
    count = lambda values: np.bincount(np.searchsorted(edges[1:], values, side="right"), minlength=len(edges))
    test = ks_2samp(reference, window, method="asymp")
    moved = wasserstein_distance(reference, window) / max(reference.std(ddof=1), 0.001)
    return compare(count(reference), count(window)) | {
        "wasserstein": moved,
        "statistic": test.statistic,
        "p_value": test.pvalue,
    }


def categories(stream, n_categories, n_reference, n_window, is_skewed):
    # The last of them the reference does not name.
    reference = np.bincount(
        [int(stream.uniform() * n_categories) for _ in range(n_reference)], minlength=n_categories + 1
    )
    draw = lambda: stream.uniform() * (0.8 + 0.2 * stream.uniform()) if is_skewed else stream.uniform()
    window = np.bincount(
        [int(draw() * (n_categories + 0.02)) for _ in range(n_window)], minlength=n_categories + 1
    )
    seen = reference + window > 0
    test = chi2_contingency([reference[seen], window[seen]], correction=False)
    return compare(reference, window) | {"wasserstein": None, "statistic": test.statistic, "p_value": test.pvalue}


cases = []
for case in range(50):
    stream = Stream(case)
    n_reference, n_window = 200 + int(stream.uniform() * 1800), 200 + int(stream.uniform() * 1800)
    if case < 35:
        shape = list(NUMBERS)[case % 4]
        shift, scale = (case % 6) * (0.005 if shape == "skewed" else 0.03), 1.0 + (case % 5) * 0.03
        if shape in ("whole", "rare"):
            shift, scale = float(case == 6), 1.0
        cases.append(numbers(stream, NUMBERS[shape], n_reference, n_window, shift, scale))
    else:
        cases.append(categories(stream, 2 + case % 7, n_reference, n_window, case % 2 == 1))
for case, adjusted in zip(cases, false_discovery_control([case["p_value"] for case in cases])):
    case["adjusted_p_value"] = adjusted
(pathlib.Path(__file__).parent / "drift.json").write_text(json.dumps(cases, indent=1) + "\n")
