"""Millrace's learners beside those of others: the same rows, one thread each, in turns.

    python -m pip install -r engine_speed.txt
    cargo build --release -p learn --example engine_speed
    python engine_speed.py ../../target/release/examples/engine_speed [--rounds 5] [--only forest] [--smartcore] [--rows FOLDER]
    python engine_speed.py ../../target/release/examples/engine_speed [--curves | --losses]

Each fit and each prediction has a process of its own. Printed are medians of the CPU's time, how good the models are on
other rows, and the memory that a fit takes beside its rows. `MILLRACE_FIGURES` names a file for the figures that have
bars; `cargo xtask bench engine` reads it.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import numpy as np

# Of a forest, and rounds of boosting.
n_trees = 100


def heaps(seed, n_rows, n_classes, per_class, apart):
    """Heaps in ten columns, four sums of these, and noise; two in a hundred labels are wrong."""
    random = np.random.default_rng(seed)
    centers = random.choice([-1.0, 1.0], (n_classes * per_class, 10)) * apart
    shapes = random.uniform(-1, 1, (n_classes * per_class, 10, 10))
    mixed = random.normal(size=(10, 4))
    heap = random.integers(0, n_classes * per_class, n_rows)
    z = np.einsum("ni,nij->nj", random.normal(size=(n_rows, 10)), shapes[heap]) + centers[heap]
    x = np.hstack([z, z @ mixed, random.normal(size=(n_rows, 6))])[:, random.permutation(20)]
    y = heap % n_classes
    flipped = random.random(n_rows) < 0.02
    y[flipped] = random.integers(0, n_classes, flipped.sum())
    return x, y.astype(float)


def line(seed, n_rows):
    """Columns that depend on each other, and a weighted sum of them with noise."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n_rows, 20)) @ (random.normal(size=(20, 20)) * 0.3 + np.eye(20))
    return x, x @ random.normal(size=20) + 3.0 + random.normal(size=n_rows)


def spots(seed, n_rows):
    """Eight round spots."""
    random = np.random.default_rng(seed)
    centers = random.normal(size=(8, 20)) * 1.5
    spot = random.integers(0, 8, n_rows)
    return centers[spot] + random.normal(size=(n_rows, 20)), spot.astype(float)


def pictures(seed, n_rows):
    """Ten pictures of 784 points, with noise over them."""
    random = np.random.default_rng(seed)
    drawn = random.random((10, 784)) < 0.2
    kind = random.integers(0, 10, n_rows)
    return np.clip(drawn[kind] * 0.8 + random.normal(size=(n_rows, 784)) * 0.6, 0, 1), kind.astype(float)


def right(fitted, x, y):
    return float((fitted.predict(x) == y).mean())


def log_loss(fitted, x, y):
    return float(-np.log(fitted.predict_proba(x)[np.arange(len(y)), y.astype(int)]).mean())


def forest(x, y):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_trees, n_jobs=1, random_state=7).fit(x, y)


def lightgbm(x, y):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=n_trees, num_leaves=31, learning_rate=0.1, n_jobs=1, verbose=-1).fit(x, y)


def logistic(solver):
    def fit(x, y):
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=1.0, solver=solver, max_iter=200).fit(x, y)

    return fit


def ridge(solver):
    def fit(x, y):
        from sklearn.linear_model import Ridge

        return Ridge(alpha=1.0, solver=solver).fit(x, y)

    return fit


def pca(solver):
    def fit(x, _):
        from sklearn.decomposition import PCA

        return PCA(5, svd_solver=solver).fit(x)

    return fit


def neighbors(algorithm):
    def fit(x, y):
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(5, algorithm=algorithm, n_jobs=1).fit(x, y)

    return fit


def kmeans(x, _):
    from sklearn.cluster import KMeans

    return KMeans(8, n_init=10, random_state=1).fit(x)


def svm(x, y):
    from sklearn.svm import SVC

    return SVC(C=1.0, gamma=0.05).fit(x, y)


def network(x, y):
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((128,), batch_size=128, max_iter=3, random_state=0).fit(x.astype(np.float32), y)


class Torch:
    def __init__(self, x, y):
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(0)
        x, y = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.int64))
        self.net = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
        how = torch.optim.Adam(self.net.parameters(), 1e-3)
        for _ in range(3):
            order = torch.randperm(len(x))
            for at in range(0, len(x), 128):
                batch = order[at : at + 128]
                how.zero_grad()
                torch.nn.functional.cross_entropy(self.net(x[batch]), y[batch]).backward()
                how.step()

    def predict(self, x):
        import torch

        with torch.no_grad():
            return self.net(torch.from_numpy(x.astype(np.float32))).argmax(1).numpy()


class Kernel:
    """Rows, who else fits them, how good that is, and the bars: parts of the time of the best of the others."""

    def __init__(
        self, what, data, n_others, quality, peers, fit=None, predict=None, browser=None, predicts="classes", then=None
    ):
        self.what, self.data, self.n_others, self.quality, self.peers = what, data, n_others, quality, peers
        self.bars = {"fit": fit, "predict": predict}
        self.browser_bar = browser
        # What our component in the browser does with the training rows after the fit.
        self.then = then
        self.predicts = predicts


KERNELS = {
    "forest": Kernel(
        "forest, 20k x 20, 100 full trees",
        lambda: heaps(2, 25_000, 3, 4, 1.6),
        5_000,
        right,
        {"scikit-learn": forest},
        fit=0.18,
        predict=1.0,
        browser=0.25,
    ),
    "boosting": Kernel(
        "boosting, 100k x 20, 100 trees of 31 leaves",
        lambda: heaps(3, 120_000, 2, 12, 1.0),
        20_000,
        log_loss,
        {"LightGBM": lightgbm},
        fit=0.45,
        browser=0.9,
    ),
    "logistic": Kernel(
        "logistic, 100k x 20",
        lambda: heaps(3, 120_000, 2, 12, 1.0),
        20_000,
        log_loss,
        {f"scikit-learn, {solver}": logistic(solver) for solver in ("lbfgs", "newton-cholesky")},
        fit=1.2,
        browser=2.0,
    ),
    "ridge": Kernel(
        "ridge, 100k x 20",
        lambda: line(4, 120_000),
        20_000,
        lambda fitted, x, y: float(((fitted.predict(x) - y) ** 2).mean()),
        {f"scikit-learn, {solver}": ridge(solver) for solver in ("auto", "svd")},
        fit=1.2,
        browser=2.0,
        predicts="numbers",
    ),
    "pca": Kernel(
        "PCA, 100k x 20, 5 components",
        lambda: line(4, 120_000),
        20_000,
        lambda fitted, x, y: float(fitted.explained_variance_.sum()),
        {f"scikit-learn, {solver}": pca(solver) for solver in ("auto", "full")},
        fit=1.2,
        browser=2.0,
        predicts="nothing",
        then=("projection", lambda fitted, x: fitted.transform(x)),
    ),
    "neighbors": Kernel(
        "5 nearest of 20k x 20, 5k rows",
        lambda: heaps(2, 25_000, 3, 4, 1.6),
        5_000,
        right,
        {f"scikit-learn, {algorithm}": neighbors(algorithm) for algorithm in ("brute", "kd_tree")},
        predict=1.0,
        browser=1.0,
    ),
    "kmeans": Kernel(
        "k-means, 100k x 20, 8 clusters, 10 starts",
        lambda: spots(5, 101_000),
        1_000,
        lambda fitted, x, y: float(fitted.inertia_),
        {"scikit-learn": kmeans},
        fit=0.7,
        browser=1.2,
        predicts="nothing",
    ),
    "svm": Kernel(
        "SVM, RBF, 2k x 20",
        lambda: heaps(6, 4_000, 2, 3, 1.0),
        2_000,
        right,
        {"libsvm": svm},
        fit=1.2,
        browser=2.0,
    ),
    "network": Kernel(
        "network, 10k x 784-128-10, 3 passes",
        lambda: pictures(7, 12_000),
        2_000,
        right,
        {"PyTorch": Torch, "scikit-learn": network},
        fit=0.35,
        browser=1.0,
    ),
}
# What runs in a browser's engine as ours does, and our part of its time there.
TENSORFLOW_JS = "TensorFlow.js"
TENSORFLOW_JS_BAR = 0.13
tfjs_script = pathlib.Path(__file__).parent.parent / "browser/bench/tfjs.js"
# Longer than this nobody is waited for: smartcore's support vector machine has no bound to its steps.
PATIENCE_SECS = 120
# What there is more of, how much, and whose time grows with it.
CURVES = (
    ("rows", (5_000, 10_000, 20_000, 40_000), ("forest", "boosting", "logistic", "neighbors", "kmeans")),
    ("columns", (5, 10, 20, 40), ("forest", "boosting", "logistic", "neighbors", "kmeans")),
    ("trees", (25, 50, 100, 200), ("forest", "boosting")),
    ("classes", (2, 4, 8, 16), ("forest", "boosting", "logistic")),
)
# Of rows, for what chance decides on one.
N_SETS = 20
# So soon a fit ends when it is no longer wanted.
STOP_MS = 50.0
# And so much of the fit it may take to ask.
ASK_PERCENT = 2.0
IN_SMARTCORE = ("forest", "logistic", "ridge", "pca", "neighbors", "kmeans", "svm")


def write_csv(path, measured, x, y):
    """As the browser reads it: classes are words, and what is not predicted is left out."""
    heads = [f"x{at}" for at in range(x.shape[1])]
    has_y = measured.predicts != "nothing"
    with open(path, "w") as file:
        file.write(",".join(heads + ["y"] * has_y) + "\n")
        for row, label in zip(x.tolist(), y.tolist()):
            last = [f"c{label:.0f}" if measured.predicts == "classes" else repr(label)] * has_y
            file.write(",".join([repr(value) for value in row] + last) + "\n")


def write(path, x, y):
    with open(path, "wb") as file:
        np.array(x.shape, dtype=float).tofile(file)
        np.column_stack([x, y]).tofile(file)


def read(path):
    numbers = np.fromfile(path)
    rows = numbers[2:].reshape(int(numbers[0]), int(numbers[1]) + 1)
    return np.ascontiguousarray(rows[:, :-1]), rows[:, -1].copy()


def memory_mb(what):
    for text in pathlib.Path("/proc/self/status").read_text().splitlines():
        if text.startswith(what + ":"):
            return int(text.split()[1]) * 1024 / 1e6
    raise KeyError(what)


def peer(kernel, name, folder):
    """One fit of another library, in this process."""
    warnings.simplefilter("ignore")
    measured = KERNELS[kernel]
    x, y = read(f"{folder}/{kernel}-training.f64")
    others, truth = read(f"{folder}/{kernel}-others.f64")
    # What is imported and set up at a first fit is no part of the fit.
    few = np.concatenate([np.flatnonzero(y == value)[:50] for value in np.unique(y)[:10]])
    measured.peers[name](x[few], y[few])
    before = memory_mb("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    started = time.process_time()
    fitted = measured.peers[name](x, y)
    fit_ms = (time.process_time() - started) * 1e3
    peak_mb = memory_mb("VmHWM") - before
    started = time.process_time()
    if measured.then:
        measured.then[1](fitted, x)
    then_ms = (time.process_time() - started) * 1e3
    started = time.process_time()
    if hasattr(fitted, "predict"):
        fitted.predict(others)
    predict_ms = (time.process_time() - started) * 1e3
    quality = measured.quality(fitted, others, truth)
    found = {"fit_ms": fit_ms, "then_ms": then_ms, "predict_ms": predict_ms, "quality": quality, "peak_mb": peak_mb}
    print(json.dumps(found))


def grown(n_rows=10_000, n_columns=20, n_classes=2):
    """Heaps by how many rows, columns and classes there are; columns over twenty are of other heaps."""
    x, y = heaps(8, n_rows + 1_000, n_classes, 3, 1.6)
    others = [heaps(9 + at, n_rows + 1_000, n_classes, 3, 1.6)[0] for at in range((n_columns - 1) // 20)]
    return np.hstack([x, *others])[:, :n_columns], y


def curves(program):
    """Prints how the time of a fit grows, and with which power of what there is more of; of neighbours that of a prediction."""
    for what, sizes, kernels in CURVES:
        print(f"CPU milliseconds by {what}: {', '.join(f'{size:,}' for size in sizes)}")
        for kernel in kernels:
            phase = "fit_ms" if KERNELS[kernel].bars["fit"] else "predict_ms"
            theirs = next(iter(KERNELS[kernel].peers))
            times = {"Millrace": [], theirs: []}
            for size in sizes:
                trees = size if what == "trees" else 100
                x, y = grown(**({} if what == "trees" else {f"n_{what}": size}))
                with tempfile.TemporaryDirectory() as folder:
                    write(f"{folder}/{kernel}-training.f64", x[:-1_000], y[:-1_000])
                    write(f"{folder}/{kernel}-others.f64", x[-1_000:], y[-1_000:])
                    of_ours = [program, kernel, folder, str(trees)]
                    of_theirs = [sys.executable, __file__, "--peer", kernel, theirs, folder, "--trees", str(trees)]
                    for name, command in (("Millrace", of_ours), (theirs, of_theirs)):
                        times[name].append(asked(command)[phase])
            for name, found in times.items():
                power = np.polyfit(np.log(sizes), np.log(found), 1)[0]
                print(f"    {kernel:10} {name:22} {''.join(f'{ms:10.1f}' for ms in found)}   power {power:5.2f}", flush=True)


def losses(program):
    """Prints how far the log loss of boosting is from LightGBM's on other rows. Of one set, chance decides: LightGBM's own is
    from 0.4875 to 0.4944 on that of the table, by how it is told to find bins."""
    apart = []
    for seed in range(N_SETS):
        x, y = heaps(100 + seed, 60_000, 2, 12, 1.0)
        with tempfile.TemporaryDirectory() as folder:
            write(f"{folder}/boosting-training.f64", x[:50_000], y[:50_000])
            write(f"{folder}/boosting-others.f64", x[50_000:], y[50_000:])
            ours = asked([program, "boosting", folder])["quality"]
            theirs = asked([sys.executable, __file__, "--peer", "boosting", "LightGBM", folder])["quality"]
        apart.append(ours - theirs)
    error = statistics.stdev(apart) / len(apart) ** 0.5
    print(
        f"log loss of boosting less LightGBM's, mean of {N_SETS} sets: {statistics.mean(apart):+.5f}, standard error {error:.5f}"
    )


def asked(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE_SECS).stdout)


def has_torch():
    import importlib.util

    return importlib.util.find_spec("torch") is not None


def measure(kernel, program, folder, n_rounds, with_smartcore, rows):
    """Medians by library, of pauses the shortest: the first is ours."""
    measured = KERNELS[kernel]
    x, y = measured.data()
    at = len(x) - measured.n_others
    write(f"{folder}/{kernel}-training.f64", x[:at], y[:at])
    write(f"{folder}/{kernel}-others.f64", x[at:], y[at:])
    if rows:
        write_csv(f"{rows}/{kernel}-training.csv", measured, x[:at], y[:at])
        write_csv(f"{rows}/{kernel}-others.csv", measured, x[at:], y[at:])
    commands = {"Millrace": [program, kernel, folder]}
    for name in measured.peers:
        if name != "PyTorch" or has_torch():
            commands[name] = [sys.executable, __file__, "--peer", kernel, name, folder]
    if kernel == "network" and (tfjs_script.parent.parent / "node_modules/@tensorflow").is_dir():
        commands[TENSORFLOW_JS] = ["node", str(tfjs_script), folder]
    rounds = {name: [] for name in commands}
    for _ in range(n_rounds):
        for name, command in commands.items():
            rounds[name].append(asked(command))
    if with_smartcore and kernel in IN_SMARTCORE:
        try:
            rounds["smartcore"] = [asked([program, kernel, folder, "smartcore"])]
        except subprocess.TimeoutExpired:
            print(f"smartcore, {kernel}: not done after {PATIENCE_SECS} s")
    # Other work makes pauses longer and never shorter.
    of = lambda what: min if what == "pause_ms" else statistics.median
    return {
        name: {what: of(what)(one[what] for one in found) for what in found[0]} for name, found in rounds.items()
    }


def main():
    global n_trees
    options = argparse.ArgumentParser()
    options.add_argument("program", nargs="?")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--only", choices=KERNELS)
    options.add_argument("--smartcore", action="store_true")
    options.add_argument("--rows", help="a folder for the rows as CSV, which the browser is given")
    options.add_argument("--curves", action="store_true")
    options.add_argument("--losses", action="store_true")
    options.add_argument("--trees", type=int, default=n_trees)
    options.add_argument("--peer", nargs=3)
    options = options.parse_args()
    if options.peer:
        n_trees = options.trees
        return peer(*options.peer)
    if options.curves:
        return curves(options.program)
    if options.losses:
        return losses(options.program)
    figures, beside = [], []
    head = f"{'':44} {'fit ms':>9} {'predict ms':>10} {'quality':>12} {'memory MB':>9}   times: fit, predict"
    print(head)
    for kernel in [options.only] if options.only else KERNELS:
        measured = KERNELS[kernel]
        with tempfile.TemporaryDirectory() as folder:
            medians = measure(kernel, options.program, folder, options.rounds, options.smartcore, options.rows)
        print(measured.what)
        ours = medians["Millrace"]
        for name, found in medians.items():
            times = "" if name == "Millrace" else "".join(
                f" {ours[what] / found[what]:8.3f}" if found[what] > 0.5 else f" {'–':>8}" for what in ("fit_ms", "predict_ms")
            )
            quality = "–" if found["quality"] > 1e300 else f"{found['quality']:.6g}"
            print(
                f"    {name:40} {found['fit_ms']:9.1f} {found['predict_ms']:10.2f} {quality:>12} {found['peak_mb']:9.1f}  {times}",
                flush=True,
            )
        memory = (ours["input_mb"] + ours["peak_mb"]) / (ours["input_mb"] + ours["model_mb"])
        what = f"{kernel}: the most memory beside the rows' and the model's own"
        figures.append({"what": what, "measured": memory, "unit": "parts", "bar": 3.0, "cores": 2.0})
        what = f"{kernel}, fit: the longest without a chance to stop it"
        figures.append({"what": what, "measured": ours["pause_ms"], "unit": "ms", "bar": STOP_MS, "cores": 2.0})
        what = f"{kernel}, fit: what asking whether to stop takes of it"
        figures.append({"what": what, "measured": ours["ask_percent"], "unit": "%", "bar": ASK_PERCENT, "cores": 2.0})
        others = {name: found for name, found in medians.items() if name not in ("Millrace", "smartcore", TENSORFLOW_JS)}
        if TENSORFLOW_JS in medians:
            ms = medians[TENSORFLOW_JS]["fit_ms"]
            beside.append({"kernel": kernel, "phase": "fit", "name": TENSORFLOW_JS, "ms": ms, "bar": TENSORFLOW_JS_BAR})
        if measured.browser_bar and (kernel != "network" or "PyTorch" in others):
            phase = "fit" if measured.bars["fit"] else "predict"
            best = min(others, key=lambda name: others[name][f"{phase}_ms"])
            ms = others[best][f"{phase}_ms"]
            if measured.then:
                phase, ms = f"{phase} and {measured.then[0]}", ms + others[best]["then_ms"]
            beside.append({"kernel": kernel, "phase": phase, "name": best, "ms": ms, "bar": measured.browser_bar})
        for phase, bar in measured.bars.items():
            if bar is None or (kernel == "network" and "PyTorch" not in others):
                continue
            best = min(others, key=lambda name: others[name][f"{phase}_ms"])
            ratio = ours[f"{phase}_ms"] / others[best][f"{phase}_ms"]
            what = f"{kernel}, {phase}: time beside {best.split(',')[0]}'s"
            figures.append({"what": what, "measured": ratio, "unit": "parts", "bar": bar, "cores": 2.0})
    if path := os.environ.get("MILLRACE_FIGURES"):
        pathlib.Path(path).write_text(json.dumps({"figures": figures, "beside": beside}))


main()
