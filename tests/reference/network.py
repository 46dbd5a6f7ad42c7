"""Steps of a neural network by PyTorch: writes `network.json` beside this file.

    python -m pip install torch==2.9.1 numpy==2.4.6
    python network.py

From the same weights and over the same batches, row by row in their order, a hundred steps of each activation, loss and
optimizer, of batch normalization, of convolution and pooling, and of each schedule: the mean loss of each batch before its
step, and the weights after the last, with what normalizes them folded in. `src/learn/src/neural/tests.rs` takes the same
steps.
"""

import json
import pathlib

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
N_ROWS, N_STEPS, BATCH = 48, 100, 16
N_PASSES = -(-N_STEPS * BATCH // N_ROWS)
IMAGE = {"height": 5, "width": 6, "n_channels": 2}
HIDDEN = (7, 5)
L2_WEIGHT = 0.01
LEARNING_RATE = {"adam": 0.01, "sgd": 0.05}
MOMENTUM = 0.9
ACTIVATIONS = {"Relu": torch.relu, "Tanh": torch.tanh, "Logistic": torch.sigmoid}


SCHEDULES = {
    "Constant": lambda how: torch.optim.lr_scheduler.ConstantLR(how, 1.0),
    "Steps": lambda how, n_passes, factor: torch.optim.lr_scheduler.StepLR(how, n_passes, factor),
    "Exponential": lambda how, factor: torch.optim.lr_scheduler.ExponentialLR(how, factor),
    "Cosine": lambda how, least: torch.optim.lr_scheduler.CosineAnnealingLR(how, N_PASSES, least),
}


def dense(*widths):
    return [{"Dense": {"n_inputs": below, "n_outputs": above}} for below, above in zip(widths, widths[1:])]


def sizes(stage):
    """Numbers that go into the layer of a stage and come out of it, if it has one."""
    ((kind, of),) = stage.items()
    if kind == "Dense":
        return of["n_inputs"], of["n_outputs"]
    if kind == "Convolution":
        return of["kernel"] ** 2 * of["image"]["n_channels"], of["n_filters"]
    return None


def saved(stage):
    """The five numbers that `model::Stage` is saved as."""
    ((kind, of),) = stage.items()
    if kind == "Dense":
        return [0, 0, of["n_inputs"], 0, of["n_outputs"]]
    image = of["image"]
    last = [of["kernel"], of["n_filters"]] if kind == "Convolution" else [of["size"], 0]
    return [image["height"], image["width"], image["n_channels"], *last]


def through(stage, values, weights):
    """Rows by height by width by channels, or rows by numbers; without the bias."""
    ((kind, of),) = stage.items()
    if kind == "Dense":
        return values.flatten(1) @ weights
    image = of["image"]
    values = values.reshape(-1, image["height"], image["width"], image["n_channels"]).permute(0, 3, 1, 2)
    if kind == "Convolution":
        kernel = weights.reshape(of["kernel"], of["kernel"], image["n_channels"], of["n_filters"]).permute(3, 2, 0, 1)
        values = torch.nn.functional.conv2d(values, kernel)
    else:
        values = torch.nn.functional.max_pool2d(values, of["size"])
    return values.permute(0, 2, 3, 1)


def steps(inputs, targets, weights, start, stages, case):
    is_normal = case["batch_norm"]
    layers = [[torch.nn.Parameter(torch.tensor(part)) for part in layer] for layer in start]
    of_weights, of_biases = [list(parts) for parts in zip(*layers)]
    norms = [(torch.nn.Parameter(torch.ones_like(b)), torch.zeros_like(b), torch.ones_like(b)) for b in of_biases[:-1]]
    factors = [factor for factor, _, _ in norms] if is_normal else []
    rate = case["learning_rate"]
    how = {
        "adam": lambda parts: torch.optim.Adam(parts, rate),
        "sgd": lambda parts: torch.optim.SGD(parts, rate, momentum=MOMENTUM, nesterov=True),
    }[case["optimizer"]](of_weights + of_biases + factors)
    schedule = case["schedule"]
    ((name, figures),) = schedule.items() if isinstance(schedule, dict) else [(schedule, {})]
    scheduler = SCHEDULES[name](how, **figures)
    losses = []
    for step in range(N_STEPS):
        first = step * BATCH % N_ROWS
        batch = slice(first, first + BATCH)
        values = torch.tensor(inputs[batch])
        left = iter(enumerate(layers))
        for stage in stages:
            if sizes(stage) is None:
                values = through(stage, values, None)
                continue
            at, (w, b) = next(left)
            values = through(stage, values, w)
            if at + 1 == len(layers):
                values = values + b
                continue
            if is_normal:
                factor, mean, variance = norms[at]
                flat = values.reshape(-1, values.shape[-1])
                flat = torch.nn.functional.batch_norm(flat, mean, variance, factor, b, training=True)
                values = flat.reshape(values.shape)
            else:
                values = values + b
            values = ACTIVATIONS[case["activation"]](values)
        wanted, of_rows = torch.tensor(targets[batch]), torch.tensor(weights[batch])
        if case["is_class"]:
            of_each = torch.nn.functional.cross_entropy(values, wanted.long(), reduction="none")
        else:
            of_each = 0.5 * (values[:, 0] - wanted) ** 2
        loss = (of_rows * of_each).mean()
        losses.append(loss.item())
        how.zero_grad()
        # As scikit-learn has it: half the squared weights, by the rows of the batch.
        (loss + L2_WEIGHT / (2 * BATCH) * sum((w**2).sum() for w in of_weights)).backward()
        how.step()
        if (step + 1) * BATCH % N_ROWS == 0:
            scheduler.step()
    if is_normal:
        for (w, b), (factor, mean, variance) in zip(layers, norms):
            by = factor.detach() / torch.sqrt(variance + 1e-5)
            w.data *= by
            b.data -= mean * by
    flat = lambda part: part.detach().numpy().ravel().tolist()
    return losses, [[flat(w), flat(b)] for w, b in layers]


def main():
    random = np.random.default_rng(1)
    inputs = random.normal(size=(N_ROWS, 4)).astype(np.float32)
    weights = random.uniform(0.5, 1.5, N_ROWS).astype(np.float32)
    classes = (inputs @ random.normal(size=(4, 3))).argmax(1).astype(np.float32)
    numbers = (inputs[:, 0] * inputs[:, 1] + inputs[:, 2]).astype(np.float32)
    of_images = np.random.default_rng(2).normal(size=(N_ROWS, 60)).round(3)
    images = of_images.astype(np.float32)

    def hidden(is_class):
        return dense(4, *HIDDEN, 3 if is_class else 1)

    # The image of 5 × 6 becomes 4 × 5, of which the pooling leaves the last column out.
    convolution = {"Convolution": {"image": IMAGE, "kernel": 2, "n_filters": 4}}
    pooling = {"Pooling": {"image": {"height": 4, "width": 5, "n_channels": 4}, "size": 2}}
    pooled = {"Convolution": {"image": {"height": 2, "width": 2, "n_channels": 4}, "kernel": 2, "n_filters": 6}}
    seen = [convolution, pooling, pooled, *dense(6, 5, 3)]
    cases = []
    for is_class, activation, optimizer, stages, is_normal, schedule in [
        (True, "Relu", "adam", hidden(True), False, "Constant"),
        (True, "Tanh", "sgd", hidden(True), False, "Constant"),
        (True, "Logistic", "adam", hidden(True), False, "Constant"),
        (False, "Relu", "sgd", hidden(False), False, "Constant"),
        (False, "Tanh", "adam", hidden(False), False, "Constant"),
        (False, "Logistic", "sgd", hidden(False), False, "Constant"),
        (True, "Relu", "adam", hidden(True), True, "Constant"),
        (False, "Tanh", "sgd", hidden(False), True, {"Steps": {"n_passes": 7, "factor": 0.5}}),
        (True, "Tanh", "adam", seen, False, {"Exponential": {"factor": 0.95}}),
        (True, "Relu", "sgd", seen, True, {"Cosine": {"least": 0.001}}),
    ]:
        layers = [sizes(stage) for stage in stages if sizes(stage)]
        start = [
            [random.uniform(-0.7, 0.7, pair).astype(np.float32), random.uniform(-0.7, 0.7, pair[1]).astype(np.float32)]
            for pair in layers
        ]
        case = {
            "is_class": is_class,
            "activation": activation,
            "optimizer": optimizer,
            "stages": [saved(stage) for stage in stages],
            "batch_norm": is_normal,
            "learning_rate": LEARNING_RATE[optimizer],
            "schedule": schedule,
            "start": [[part.ravel().tolist() for part in layer] for layer in start],
        }
        case["losses"], case["end"] = steps(
            images if stages == seen else inputs, classes if is_class else numbers, weights, start, stages, case
        )
        cases.append(case)
    found = {
        "torch": torch.__version__.split("+")[0],
        "batch": BATCH,
        "l2_weight": L2_WEIGHT,
        "momentum": MOMENTUM,
        "n_passes": N_PASSES,
        "inputs": inputs.ravel().tolist(),
        "images": of_images.ravel().tolist(),
        "weights": weights.tolist(),
        "classes": classes.tolist(),
        "numbers": numbers.tolist(),
        "cases": cases,
    }
    (HERE / "network.json").write_text(json.dumps(found) + "\n")


main()
