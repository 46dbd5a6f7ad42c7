"""Holds the manifests that Millrace writes to the schemas of Kubernetes, KServe and Compose, and to what is promised of them.

    cargo xtask test peers

The files in `manifests/` are held to the program word for word by `src/cli/tests/manifests.rs`. The schemas are those that
kubernetes-validate, KServe's own client and docker-compose bring.
"""

import ast
import importlib.util
import json
import pathlib

import jsonschema
import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).parent / "manifests"


def brought_by(package, path):
    """The text of a file that a package brings; the package itself is not loaded, for it needs others."""
    return (pathlib.Path(importlib.util.find_spec(package).origin).parent / path).read_text()


def fields_of_kserve(model):
    """The fields of a part of an InferenceService and their types, as KServe's client has them from its API."""
    tables = {}
    for node in ast.walk(ast.parse(brought_by("kserve", f"models/{model}.py"))):
        if isinstance(node, ast.Assign) and node.targets[0].id in ("openapi_types", "attribute_map"):
            tables[node.targets[0].id] = ast.literal_eval(node.value)
        if len(tables) == 2:
            break
    return {written: tables["openapi_types"][name] for name, written in tables["attribute_map"].items()}


def is_a_part(part, model):
    known = fields_of_kserve(model)
    kinds = {"int": int, "str": str, "bool": bool}
    for name, value in part.items():
        assert name in known, f"{model} has no {name}"
        kind = known[name]
        expected = list if kind.startswith("list[") else kinds.get(kind, dict)
        assert type(value) is expected, f"{model}: {name} is {value!r}, expected {kind}"


def documents(file):
    return list(yaml.safe_load_all((HERE / file).read_text()))


def is_hardened(pod, container):
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    inner = container["securityContext"]
    assert inner["readOnlyRootFilesystem"] and not inner["allowPrivilegeEscalation"]
    assert inner["capabilities"]["drop"] == ["ALL"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
    assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]


kubernetes = documents("kubernetes.yaml")
for document in kubernetes:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
deployment, service, scaler = kubernetes
pod = deployment["spec"]["template"]["spec"]
is_hardened(pod, pod["containers"][0])
selected = deployment["spec"]["selector"]["matchLabels"]
assert selected.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
assert service["spec"]["selector"] == selected
assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]

(kserve,) = documents("kserve.yaml")
is_a_part(kserve, "v1beta1_inference_service")
is_a_part(kserve["spec"], "v1beta1_inference_service_spec")
predictor = kserve["spec"]["predictor"]
is_a_part(predictor, "v1beta1_predictor_spec")
is_hardened(predictor, predictor["containers"][0])
# KServe knows its own fields; the rest of a predictor is a pod's.
own = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "timeout"}
assert own <= predictor.keys()
spec = {key: value for key, value in predictor.items() if key not in own}
as_pod = {"apiVersion": "v1", "kind": "Pod", "metadata": kserve["metadata"], "spec": spec}
kubernetes_validate.validate(as_pod, kubernetes_validate.latest_version(), strict=True)

(compose,) = documents("compose.yaml")
jsonschema.Draft7Validator(json.loads(brought_by("compose", "config/compose_spec.json"))).validate(compose)
(name,) = compose["services"]
assert compose["services"][name]["read_only"] and compose["services"][name]["user"] == "65532:65532"
assert compose["services"][name]["secrets"][0]["source"] in compose["secrets"]

print(f"{len(kubernetes)} documents for Kubernetes, one for KServe and one for Compose are as they should be")
