"""Steps of a neural network by PyTorch: writes `network.json` beside this file.

    python -m pip install torch==2.9.1 numpy==2.4.6
    python network.py

From the same weights and over the same batches, row by row in their order, a hundred steps of each activation, loss and
optimizer: the mean loss of each batch before its step, and the weights after the last. `src/learn/src/neural/tests.rs` takes
the same steps.
"""

import json
import pathlib

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
N_ROWS, N_STEPS, BATCH = 48, 100, 16
HIDDEN = (7, 5)
L2_WEIGHT = 0.01
LEARNING_RATE = {"adam": 0.01, "sgd": 0.05}
MOMENTUM = 0.9
ACTIVATIONS = {"Relu": torch.relu, "Tanh": torch.tanh, "Logistic": torch.sigmoid}


def steps(inputs, targets, weights, start, activation, optimizer, is_class):
    layers = [[torch.nn.Parameter(torch.tensor(part)) for part in layer] for layer in start]
    of_weights, of_biases = [list(parts) for parts in zip(*layers)]
    how = {
        "adam": lambda parts: torch.optim.Adam(parts, LEARNING_RATE["adam"]),
        "sgd": lambda parts: torch.optim.SGD(parts, LEARNING_RATE["sgd"], momentum=MOMENTUM, nesterov=True),
    }[optimizer](of_weights + of_biases)
    losses = []
    for step in range(N_STEPS):
        first = step * BATCH % N_ROWS
        batch = slice(first, first + BATCH)
        values = torch.tensor(inputs[batch])
        for at, (w, b) in enumerate(zip(of_weights, of_biases)):
            values = values @ w + b
            if at + 1 < len(layers):
                values = ACTIVATIONS[activation](values)
        wanted, of_rows = torch.tensor(targets[batch]), torch.tensor(weights[batch])
        if is_class:
            of_each = torch.nn.functional.cross_entropy(values, wanted.long(), reduction="none")
        else:
            of_each = 0.5 * (values[:, 0] - wanted) ** 2
        loss = (of_rows * of_each).mean()
        losses.append(loss.item())
        how.zero_grad()
        # As scikit-learn has it: half the squared weights, by the rows of the batch.
        (loss + L2_WEIGHT / (2 * BATCH) * sum((w**2).sum() for w in of_weights)).backward()
        how.step()
    flat = lambda part: part.detach().numpy().ravel().tolist()
    return losses, [[flat(w), flat(b)] for w, b in layers]


def main():
    random = np.random.default_rng(1)
    inputs = random.normal(size=(N_ROWS, 4)).astype(np.float32)
    weights = random.uniform(0.5, 1.5, N_ROWS).astype(np.float32)
    classes = (inputs @ random.normal(size=(4, 3))).argmax(1).astype(np.float32)
    numbers = (inputs[:, 0] * inputs[:, 1] + inputs[:, 2]).astype(np.float32)
    cases = []
    for is_class, activation, optimizer in [
        (True, "Relu", "adam"),
        (True, "Tanh", "sgd"),
        (True, "Logistic", "adam"),
        (False, "Relu", "sgd"),
        (False, "Tanh", "adam"),
        (False, "Logistic", "sgd"),
    ]:
        widths = [4, *HIDDEN, 3 if is_class else 1]
        start = [
            [random.uniform(-0.7, 0.7, pair).astype(np.float32), random.uniform(-0.7, 0.7, pair[1]).astype(np.float32)]
            for pair in zip(widths, widths[1:])
        ]
        targets = classes if is_class else numbers
        losses, end = steps(inputs, targets, weights, start, activation, optimizer, is_class)
        cases.append(
            {
                "is_class": is_class,
                "activation": activation,
                "optimizer": optimizer,
                "widths": widths,
                "learning_rate": LEARNING_RATE[optimizer],
                "start": [[part.ravel().tolist() for part in layer] for layer in start],
                "losses": losses,
                "end": end,
            }
        )
    found = {
        "torch": torch.__version__.split("+")[0],
        "batch": BATCH,
        "l2_weight": L2_WEIGHT,
        "momentum": MOMENTUM,
        "inputs": inputs.ravel().tolist(),
        "weights": weights.tolist(),
        "classes": classes.tolist(),
        "numbers": numbers.tolist(),
        "cases": cases,
    }
    (HERE / "network.json").write_text(json.dumps(found) + "\n")


main()
