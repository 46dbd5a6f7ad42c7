"""Combined and prepared models by scikit-learn: reads `data/*.csv`, writes `combining.json`, both beside this file.

    python -m pip install -r requirements.txt
    python combining.py

Every fourth row is held out. Where a case says so, every seventh value of the first column is missing. A member that is
prepared is a Pipeline; members are combined by VotingClassifier(voting="soft") and VotingRegressor.
"""

import json
import pathlib

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent


def logistic():
    return LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=500)


CASES = {
    "diabetes": (
        VotingRegressor,
        [
            (2, make_pipeline(SimpleImputer(), LinearRegression())),
            (3, make_pipeline(SimpleImputer(), StandardScaler(), KNeighborsRegressor(5))),
            (1, DummyRegressor()),
        ],
        True,
    ),
    "breast_cancer": (
        VotingClassifier,
        [(3, logistic()), (1, make_pipeline(StandardScaler(), KNeighborsClassifier(5)))],
        False,
    ),
    "wine": (
        VotingClassifier,
        [
            (1, make_pipeline(SimpleImputer(), StandardScaler(), logistic())),
            (2, make_pipeline(SimpleImputer(), StandardScaler(), KNeighborsClassifier(5))),
            (4, DummyClassifier()),
        ],
        True,
    ),
}

expected = {}
for name, (voting, members, has_gaps) in CASES.items():
    rows = np.loadtxt(HERE / "data" / f"{name}.csv", delimiter=",", skiprows=1)
    x, y = rows[:, :-1], rows[:, -1]
    if has_gaps:
        x[::7, 0] = np.nan
    held_out = np.arange(len(y)) % 4 == 0
    weights, models = zip(*members)
    how = {"voting": "soft"} if voting is VotingClassifier else {}
    model = voting([(str(at), model) for at, model in enumerate(models)], weights=weights, **how)
    model.fit(x[~held_out], y[~held_out])
    predicted = model.predict(x[held_out]) if voting is VotingRegressor else model.predict_proba(x[held_out])
    expected[name] = np.asarray(predicted).ravel().tolist()
(HERE / "combining.json").write_text(json.dumps(expected, indent=1) + "\n")
