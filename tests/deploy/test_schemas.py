"""compose.yaml and Kubernetes' manifests by the schemas of those who read them, as check-jsonschema and
kubernetes-validate bring them. Each is also given a slip, so that a schema which takes everything is seen."""
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
RELEASES = ("1.31", "1.34")  # of Kubernetes: an old one and a new one
FILES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
MANIFESTS = [pytest.param(item, id=f"{item['kind']} {item['metadata']['name']}")
             for file in FILES for item in yaml.safe_load_all(file.read_text())]


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def composed(whole: Any) -> list[str]:
    """What the schema of the Compose specification finds wrong."""
    schema = json.loads((resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
                         ).read_text("utf-8"))
    return [f"{error.json_path}: {error.message}" for error in
            jsonschema.validators.validator_for(schema)(schema).iter_errors(whole)]


def test_compose_is_as_its_specification_says():
    assert composed(compose()) == []


@pytest.mark.parametrize(("service", "name", "wrong"), [
    ("web", "comand", ["x"]), ("postgres", "healthcheck", {"retires": 3}), ("worker", "cap_drop", "ALL"),
    ("caddy", "deploy", {"resources": {"limit": {}}})])
def test_a_slip_in_compose_is_found(service, name, wrong):
    whole = compose()
    whole["services"][service][name] = wrong
    assert composed(whole)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("manifest", MANIFESTS)
def test_manifests_are_as_kubernetes_takes_them(manifest, release):
    """Strict: a field that it does not know is one with a slip in it."""
    assert kubernetes_validate.validate(manifest, release, strict=True) == release


def test_a_slip_in_a_manifest_is_found():
    deployment = next(one.values[0] for one in MANIFESTS if one.values[0]["kind"] == "Deployment")
    for slip in ({"replicas": "two"}, {"replica": 2}):
        with pytest.raises(kubernetes_validate.ValidationError):
            wrong = {**deployment, "spec": {**deployment["spec"], **slip}}
            kubernetes_validate.validate(wrong, RELEASES[-1], strict=True)
