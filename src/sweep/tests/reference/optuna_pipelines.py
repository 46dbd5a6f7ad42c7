"""How well Optuna does on three real pipelines, run by `millrace run`.

For every pipeline and seed: the smallest value of its objective after so many trials. Run it with the pinned versions
and the program built for release:

    pip install -r requirements.txt
    cargo build --release -p cli
    python optuna_pipelines.py ../../../../target/release/millrace > optuna_pipelines.json
"""

import json
import math
import subprocess
import sys
from pathlib import Path

import optuna

SEEDS = range(20)
BUDGETS = [25, 50]
FOLDER = Path(__file__).parent / "pipelines"


def forest(trial):
    settings = {
        "forest.n_trees": trial.suggest_int("n_trees", round(math.exp(0.7)), round(math.exp(4.1)), log=True),
        "forest.max_depth": trial.suggest_int("max_depth", 1, 16),
        "forest.min_rows_leaf": trial.suggest_int("min_rows_leaf", 1, round(math.exp(4)), log=True),
        "forest.criterion": trial.suggest_categorical("criterion", ["gini", "entropy"]),
        "forest.class_weights": trial.suggest_categorical("class_weights", ["uniform", "balanced"]),
        "forest.features_per_split": trial.suggest_categorical(
            "features_per_split", ["sqrt", "log2", "all", "number"]
        ),
    }
    if settings["forest.features_per_split"] == "number":
        settings["forest.n_features_split"] = trial.suggest_int("n_features_split", 1, 30)
    return measured("forest", settings, "log_loss")


def neighbours(trial):
    settings = {
        "neighbours.k": trial.suggest_int("k", 1, round(math.exp(5)), log=True),
        "neighbours.weighting": trial.suggest_categorical("weighting", ["uniform", "distance"]),
        "neighbours.metric": trial.suggest_categorical("metric", ["euclidean", "manhattan"]),
        "normalize.method": trial.suggest_categorical("method", ["zscore", "minmax", "logistic", "tanh"]),
    }
    return measured("neighbours", settings, "rmse")


def logistic(trial):
    settings = {
        "logistic.l1_weight": trial.suggest_float("l1_weight", math.exp(-7), math.exp(5), log=True),
        "logistic.l2_weight": trial.suggest_float("l2_weight", math.exp(-7), math.exp(7), log=True),
        "logistic.class_weights": trial.suggest_categorical("class_weights", ["uniform", "balanced"]),
        "normalize.method": trial.suggest_categorical("method", ["zscore", "minmax", "logistic", "tanh"]),
    }
    return measured("logistic", settings, "log_loss")


def measured(name, settings, metric):
    given = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    command = [sys.argv[1], "run", str(FOLDER / f"{name}.json"), "--json", *given]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(said)["nodes"]["evaluate"]["metrics"][metric]


def best(objective, sampler):
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=BUDGETS[-1])
    values = [trial.value for trial in study.trials]
    return [min(values[:budget]) for budget in BUDGETS]


optuna.logging.set_verbosity(optuna.logging.WARNING)
kept = {"optuna": optuna.__version__, "budgets": BUDGETS, "best": {}}
for objective in [forest, neighbours, logistic]:
    kept["best"][objective.__name__] = {
        "tpe": [best(objective, optuna.samplers.TPESampler(seed=seed)) for seed in SEEDS],
        "random": [best(objective, optuna.samplers.RandomSampler(seed=seed)) for seed in SEEDS],
    }
print(json.dumps(kept, indent=1))
