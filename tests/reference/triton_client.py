"""Asks `millrace serve` by NVIDIA's stock client, in JSON and in bytes.

    cargo xtask test peers
"""

import sys

import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient(sys.argv[1] if len(sys.argv) > 1 else "localhost:8081")
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("churn")
assert client.get_server_metadata()["name"] == "millrace"
assert [model["name"] for model in client.get_model_repository_index()] == ["churn"]
metadata = client.get_model_metadata("churn")
assert [output["name"] for output in metadata["outputs"]] == ["prediction", "probabilities"]

ROW = {
    "age": np.array([44, 30], np.int64),
    "region": np.array(["West", "North"], np.object_),
    "contract": np.array(["Two year", "Month-to-month"], np.object_),
    "payment": np.array(["Bank transfer", "Credit card"], np.object_),
    "internet": np.array(["DSL", "Fiber optic"], np.object_),
    "paperless": np.array([True, False], np.bool_),
    "tenure_months": np.array([12, 3], np.int64),
    "support_calls": np.array([4, 0], np.int64),
    "monthly_charges": np.array([55.5, 80.0], np.float64),
    "total_charges": np.array([660.25, np.nan], np.float64),
}
TYPES = {input["name"]: input["datatype"] for input in metadata["inputs"]}


def ask(binary_in, binary_out):
    inputs = []
    for name, values in ROW.items():
        column = triton.InferInput(name, [len(values)], TYPES[name])
        column.set_data_from_numpy(values, binary_data=binary_in)
        inputs.append(column)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("prediction", "probabilities")]
    answer = client.infer("churn", inputs, request_id="r1", outputs=outputs if binary_out is not None else None)
    assert answer.get_response()["id"] == "r1"
    labels = [label.decode() if isinstance(label, bytes) else label for label in answer.as_numpy("prediction")]
    return labels, answer.as_numpy("probabilities")


labels, probabilities = ask(False, False)
assert set(labels) <= {"no", "yes"} and probabilities.shape == (2, 2)
for binary_in in (False, True):
    for binary_out in (False, True, None) if binary_in else (False, True):
        other_labels, other = ask(binary_in, binary_out)
        assert other_labels == labels and np.array_equal(other, probabilities), (binary_in, binary_out)

statistics = client.get_inference_statistics("churn")["model_stats"][0]
assert statistics["inference_count"] >= 12 and statistics["execution_count"] >= 6

client.unload_model("churn")
assert not client.is_model_ready("churn")
client.load_model("churn")
assert client.is_model_ready("churn")
try:
    client.infer("churn", [])
    raise SystemExit("an empty request was answered")
except triton.InferenceServerException as error:
    assert "schema.missing_column" in str(error), error
print("all is well")
