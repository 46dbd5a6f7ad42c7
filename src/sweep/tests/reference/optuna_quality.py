"""How well Optuna does on the functions on which our samplers are judged.

For every function, sampler and seed: the smallest value after so many trials. Run it with the pinned versions:

    pip install -r requirements.txt
    python optuna_quality.py > optuna_quality.json
"""

import json
import math

import optuna

SEEDS = range(20)
BUDGETS = [25, 50, 100]


def branin(trial):
    x = trial.suggest_float("x", -5.0, 10.0)
    y = trial.suggest_float("y", 0.0, 15.0)
    a = y - 5.1 / (4.0 * math.pi**2) * x * x + 5.0 / math.pi * x - 6.0
    return a * a + 10.0 * (1.0 - 1.0 / (8.0 * math.pi)) * math.cos(x) + 10.0


ALPHA = [1.0, 1.2, 3.0, 3.2]
A = [
    [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
    [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
    [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
    [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
]
P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]


def hartmann6(trial):
    x = [trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(6)]
    inner = [sum(a * (xi - p) ** 2 for a, xi, p in zip(A[i], x, P[i])) for i in range(4)]
    return -sum(alpha * math.exp(-d) for alpha, d in zip(ALPHA, inner))


def conditional(trial):
    """A learner to choose, with settings of its own: a whole number, a rate on a log scale, a category."""
    learner = trial.suggest_categorical("learner", ["forest", "boosting", "linear"])
    if learner == "forest":
        depth = trial.suggest_int("depth", 1, 20)
        share = trial.suggest_float("share", 0.1, 1.0)
        return 0.20 + 0.002 * (depth - 13) ** 2 / 4 + 0.1 * (share - 0.4) ** 2
    if learner == "boosting":
        rate = math.log10(trial.suggest_float("rate", 1e-4, 1.0, log=True))
        leaves = trial.suggest_int("leaves", 2, 64)
        loss = trial.suggest_categorical("loss", ["squared", "absolute", "huber"])
        penalty = {"squared": 0.02, "absolute": 0.05, "huber": 0.0}[loss]
        return 0.15 + 0.05 * (rate + 1.3) ** 2 + 0.1 * ((leaves - 24) / 62) ** 2 + penalty
    strength = math.log10(trial.suggest_float("strength", 1e-6, 1e3, log=True))
    return 0.22 + 0.004 * (strength + 1.0) ** 2


FUNCTIONS = {"branin": branin, "hartmann6": hartmann6, "conditional": conditional}
SAMPLERS = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    report = {"optuna": optuna.__version__, "budgets": BUDGETS, "best": {}}
    for function, objective in FUNCTIONS.items():
        for name, sampler in SAMPLERS.items():
            rows = []
            for seed in SEEDS:
                study = optuna.create_study(sampler=sampler(seed=seed))
                study.optimize(objective, n_trials=max(BUDGETS))
                values = [trial.value for trial in study.trials]
                rows.append([min(values[:budget]) for budget in BUDGETS])
            report["best"].setdefault(function, {})[name] = rows
    print(json.dumps(report, indent=1))


main()
