"""Times one-row requests to `millrace serve` and to MLflow's scoring server side by side, in one run.

Both serve a forest of 100 trees with the same preparation, trained on the same table; one client asks both the same, in
turns, over a connection that is kept open. `cargo xtask bench server` runs it, and `cargo xtask test speed` holds the
ratio, which is the last line.

    python -m pip install -r tests/reference/serving.txt
    cargo build --release -p cli
    python tests/reference/serving.py --millrace target/release/millrace
"""

import argparse

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import mlflow
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
PIPELINE = os.path.join(ROOT, "public/gallery/churn.json")
N_REQUESTS = 1_000
N_WARM = 100


parser = argparse.ArgumentParser()
parser.add_argument("--millrace", required=True, help="the program")
PROGRAM = os.path.abspath(parser.parse_args().millrace)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


PORTS = {"millrace": free_port(), "mlflow": free_port()}


def millrace(*asked):
    return subprocess.run([PROGRAM, *asked], check=True, capture_output=True, text=True).stdout


folder = tempfile.mkdtemp()
registry = ["--registry", os.path.join(folder, "registry")]
setting = ["--set", "clean.cleaning_mode=mode", "--set", "forest.n_trees=100"]
millrace("register", PIPELINE, "--node", "train-forest", "--name", "churn", *setting, *registry)
millrace("deploy", "models:/churn", *registry)
millrace("run", PIPELINE, "--to", "data", "--out", os.path.join(folder, "out"))
found = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(folder, "out")) for name in names]
table = pd.read_csv(next(path for path in found if "data" in os.path.basename(path) and path.endswith(".csv")))
shown = json.loads(millrace("registry", "show", "models:/churn", "--json", *registry))
columns = [field["name"] for field in shown["signature"]["inputs"]]
x, y = table[columns], table["churned"]
names = [name for name in columns if not pd.api.types.is_numeric_dtype(x[name])]
others = [name for name in columns if name not in names]
prepare = make_column_transformer(
    (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), names),
    (SimpleImputer(strategy="most_frequent"), others),
)
model = make_pipeline(prepare, RandomForestClassifier(n_estimators=100, min_samples_leaf=5, random_state=1)).fit(x, y)
path = os.path.join(folder, "mlflow-model")
mlflow.sklearn.save_model(model, path, skops_trusted_types=["numpy.dtype", "sklearn.tree._tree.Tree"])

row = {input["name"]: input["data"][0] for input in shown["sample_request"]["inputs"]}
BODIES = {
    "millrace": ("/v2/models/churn/invocations", json.dumps({"dataframe_records": [row]})),
    "mlflow": ("/invocations", json.dumps({"dataframe_records": [row]})),
}
# MLflow looks for uvicorn among the programs.
programs = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {**os.environ, "PATH": programs}}
servers = [
    subprocess.Popen([PROGRAM, "serve", "--port", str(PORTS["millrace"]), *registry], **quiet),
    subprocess.Popen(
        [sys.executable, "-m", "mlflow", "models", "serve", "-m", path, "-p", str(PORTS["mlflow"]), "--env-manager", "local"],
        **quiet,
    ),
]


def ask(name, connection):
    path, body = BODIES[name]
    connection.request("POST", path, body, {"content-type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, (name, answer.status, content)
    return content


def connected(name):
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORTS[name])
            ask(name, connection)
            return connection
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{name} does not answer")


try:
    connections = {name: connected(name) for name in PORTS}
    times = {name: [] for name in PORTS}
    for number in range(N_WARM + N_REQUESTS):
        for name, connection in connections.items():
            start = time.perf_counter()
            ask(name, connection)
            if number >= N_WARM:
                times[name].append(1_000 * (time.perf_counter() - start))
    for name, values in times.items():
        cuts = statistics.quantiles(values, n=100)
        print(f"{name:9} p50 {cuts[49]:7.3f} ms   p99 {cuts[98]:7.3f} ms")
    ratio = statistics.median(times["mlflow"]) / statistics.median(times["millrace"])
    print(f"{ratio:.1f} times as fast in the median, the Python client's own time included")
finally:
    for server in servers:
        server.terminate()
