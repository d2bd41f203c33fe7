"""The files of `docker/cluster` fit their published schemas, and each other; their commands are commands."""

import re
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import typer
import yaml  # type: ignore[import-untyped]

from docs.scripts.packages import ROOT
from indexer.cli import app
from indexer.cluster.token import PATH
from indexer.settings import Settings
from tests.support import schemas

FOLDER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "cluster" / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
MANIFESTS: dict[str, Any] = {
    manifest["kind"]: manifest
    for manifest in yaml.safe_load_all((FOLDER / "cluster" / "kuberay.yaml").read_text())
}
RAY_CLUSTER: dict[str, Any] = MANIFESTS["RayCluster"]
PODS: dict[str, Any] = {
    "head": RAY_CLUSTER["spec"]["headGroupSpec"]["template"],
    "node": RAY_CLUSTER["spec"]["workerGroupSpecs"][0]["template"],
    "service": MANIFESTS["Deployment"]["spec"]["template"],
}


@pytest.mark.parametrize("file", ["compose.yaml", "monitoring/compose.yaml", "cluster/compose.yaml"])
def test_compose_files_fit_the_schema_of_compose(file: str) -> None:
    jsonschema.validate(yaml.safe_load((FOLDER / file).read_text()), schemas.load("compose"))


def test_the_ray_cluster_fits_the_schema_of_kuberay() -> None:
    jsonschema.validate(RAY_CLUSTER, schemas.load("raycluster"))


def test_the_pods_of_the_service_fit_the_schema_of_pods() -> None:
    """KubeRay's has one, for the pods of its nodes."""
    changed = yaml.safe_load(yaml.safe_dump(RAY_CLUSTER))
    changed["spec"]["headGroupSpec"]["template"] = PODS["service"]

    jsonschema.validate(changed, schemas.load("raycluster"))


@pytest.mark.parametrize(
    ("schema", "break_it"),
    [
        ("compose", lambda document: document["services"]["head"].update(commands=["gemel"])),
        ("compose", lambda document: document["services"]["head"].update(ports=8000)),
        ("raycluster", lambda document: document["spec"].update(authOption={"mode": "token"})),
        ("raycluster", lambda document: document["spec"]["workerGroupSpecs"][0].update(replicas="two")),
        (
            "raycluster",
            lambda document: document["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0].update(
                volumeMount=[]
            ),
        ),
    ],
)
def test_the_schemas_find_mistakes(schema: str, break_it: Any) -> None:
    document = yaml.safe_load(yaml.safe_dump(COMPOSE if schema == "compose" else RAY_CLUSTER))
    break_it(document)

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schemas.load(schema))


def test_each_command_of_a_container_is_one_of_gemel() -> None:
    commands = [service["command"] for service in SERVICES.values() if "command" in service]
    commands += [container["command"] for pod in PODS.values() for container in pod["spec"]["containers"]]
    assert len(commands) == 8

    for command in commands:
        while command:
            program, *arguments = command
            assert program == "gemel"
            command = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
            arguments = arguments[: arguments.index("--")] if "--" in arguments else arguments
            found: Any = typer.main.get_command(app)
            while hasattr(found, "commands"):
                found = found.commands[arguments.pop(0)]
            found.make_context("gemel", arguments)  # raises where it does not take them


def test_every_node_and_the_service_have_the_same_token_and_database() -> None:
    nodes = ("node-1", "node-2", "gemel")
    for name in (*nodes, "head"):
        assert SERVICES[name]["environment"][PATH] == "/run/secrets/cluster_token"
        assert SERVICES[name]["secrets"] == ["cluster_token"]
        assert SERVICES[name]["networks"][0] == "private"
    assert len({SERVICES[name]["environment"]["GEMEL_DATABASE_URL"] for name in nodes}) == 1
    assert COMPOSE["networks"]["private"]["internal"] is True
    published = [name for name, service in SERVICES.items() if "ports" in service]
    assert published == ["gemel"]

    secret = RAY_CLUSTER["spec"]["authOptions"]["secretName"]
    [service] = PODS["service"]["spec"]["containers"]
    variables = {variable["name"]: variable["valueFrom"]["secretKeyRef"] for variable in service["env"]}
    assert variables["RAY_AUTH_TOKEN"] == {"name": secret, "key": "auth_token"}
    [node] = PODS["node"]["spec"]["containers"]
    [database] = node["env"]
    assert database["valueFrom"]["secretKeyRef"] == variables["GEMEL_DATABASE_URL"]
    assert f"{RAY_CLUSTER['metadata']['name']}-head-svc:6379" in service["command"]


def test_variables_of_gemel_are_settings() -> None:
    text = "".join(path.read_text() for path in sorted((FOLDER / "cluster").iterdir()))
    names = set(re.findall(r"\bGEMEL_[A-Z_]+\b", text))

    assert len(names) >= 4
    assert names <= {f"GEMEL_{field.upper()}" for field in Settings.model_fields}


def test_the_image_is_built_with_ray() -> None:
    assert SERVICES["head"]["build"]["args"]["EXTRAS"] == "cluster"
    dockerfile = (FOLDER / "Dockerfile").read_text()
    assert "ARG EXTRAS=" in dockerfile
    assert "${EXTRAS:+,${EXTRAS}}" in dockerfile
    constraints = (ROOT / "constraints.txt").read_text()
    [pinned] = re.findall(r"^ray==(\S+)$", constraints, re.MULTILINE)
    assert RAY_CLUSTER["spec"]["rayVersion"] == pinned
