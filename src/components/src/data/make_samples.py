"""Exports scikit-learn's small real data sets for the component Sample Datasets.

Run by hand, from anywhere, when a sample is added: `python3 make_samples.py`. Needs scikit-learn (made with 1.9.1).
For each sample it writes, beside itself in `samples/`:

- `NAME.columns`: one line a column, `name kind role`, in words of `schema`;
- `NAME.csv.deflate`: the rows without a header as comma-separated values, raw deflate.

Numbers are written in the fewest digits that bring back the same value.
"""

import pathlib
import zlib

from sklearn import datasets

FOLDER = pathlib.Path(__file__).parent / "samples"


def number(x):
    x = float(x)
    return str(int(x)) if x.is_integer() else repr(x)


def write(name, features, rows, target, labels, target_kind):
    texts = [[number(x) for x in row] for row in rows]
    kinds = ["number" if any("." in row[j] or "e" in row[j] for row in texts) else "integer" for j in range(len(features))]
    columns = [f"{feature} {kind} feature" for feature, kind in zip(features, kinds)] + [f"{target} {target_kind} target"]
    lines = [",".join([*row, label]) for row, label in zip(texts, labels)]
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflate.compress("\n".join(lines).encode()) + deflate.flush()
    (FOLDER / f"{name}.columns").write_text("\n".join(columns) + "\n")
    (FOLDER / f"{name}.csv.deflate").write_bytes(packed)
    print(f"{name}: {len(lines)} x {len(columns)}, {len(packed)} bytes")


def main():
    FOLDER.mkdir(exist_ok=True)

    iris = datasets.load_iris()
    write(
        "iris",
        ["sepal_length", "sepal_width", "petal_length", "petal_width"],
        iris.data,
        "species",
        [str(iris.target_names[label]) for label in iris.target],
        "category",
    )

    cancer = datasets.load_breast_cancer()
    write(
        "breast-cancer",
        [name.replace(" ", "_") for name in cancer.feature_names],
        cancer.data,
        "diagnosis",
        [str(cancer.target_names[label]) for label in cancer.target],
        "category",
    )

    # The raw measurements: the scaled form cannot be read by people.
    diabetes = datasets.load_diabetes(scaled=False)
    write(
        "diabetes",
        [
            "age",
            "sex",
            "body_mass_index",
            "blood_pressure",
            "total_cholesterol",
            "ldl",
            "hdl",
            "cholesterol_ratio",
            "log_triglycerides",
            "glucose",
        ],
        [[round(float(x), 6) for x in row] for row in diabetes.data],
        "progression",
        [number(y) for y in diabetes.target],
        "number",
    )

    digits = datasets.load_digits()
    write(
        "digits",
        [f"pixel_{row}_{column}" for row in range(8) for column in range(8)],
        digits.data,
        "digit",
        [str(label) for label in digits.target],
        "category",
    )

    wine = datasets.load_wine()
    write(
        "wine",
        [name.replace("/", "_") for name in wine.feature_names],
        wine.data,
        "cultivar",
        [f"cultivar {label + 1}" for label in wine.target],
        "category",
    )


main()
