"""Holds the manifests that Millrace writes to the schemas of Kubernetes and to what is promised of them.

    python -m pip install kubernetes-validate pyyaml
    python manifests.py

The files in `manifests/` are held to the program word for word by `src/cli/tests/manifests.rs`.
"""

import pathlib

import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).parent / "manifests"


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
predictor = kserve["spec"]["predictor"]
is_hardened(predictor, predictor["containers"][0])
# KServe knows its own fields; the rest of a predictor is a pod's.
own = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "timeout"}
assert own <= predictor.keys()
spec = {key: value for key, value in predictor.items() if key not in own}
as_pod = {"apiVersion": "v1", "kind": "Pod", "metadata": kserve["metadata"], "spec": spec}
kubernetes_validate.validate(as_pod, kubernetes_validate.latest_version(), strict=True)

(compose,) = documents("compose.yaml")
(name,) = compose["services"]
assert compose["services"][name]["read_only"] and compose["services"][name]["user"] == "65532:65532"
assert compose["services"][name]["secrets"][0]["source"] in compose["secrets"]

print(f"{len(kubernetes)} documents for Kubernetes, one for KServe and one for Compose are as they should be")
