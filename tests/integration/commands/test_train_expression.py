"""`gemel train --task expression` as it is typed, on a few real faces, and its head in the service."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import load_file

from indexer.doctor.checks import weights as weights_check
from indexer.errors import CardUnusable, GemelError, WeightsDamaged, WeightsMissing
from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.home import Home
from tests.support.pictures import shared
from tests.support.weights import ATTRIBUTES, attributes_mirror, needs_attributes

pytestmark = needs_attributes

PEOPLE = ("S046", "S011", "S132", "S074", "S106", "S130", "S503", "S504", "S506")
"""The last three show contempt too, which the published network does not know."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    home.run("models", "add", ATTRIBUTES / "fer_mobilefacenet_2022july_int8.onnx")
    return home


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last picture of each of the expressions of a few people."""
    folder = tmp_path_factory.mktemp("expressions")
    for home in sorted(shared("data/expressions").iterdir()):
        for person in PEOPLE:
            for file in sorted(home.glob(f"{person}_*"))[-1:]:
                (folder / home.name).mkdir(exist_ok=True)
                shutil.copy(file, folder / home.name)
    return folder


@pytest.fixture(scope="module")
def trained(home: Home, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder with the head, and what the command says."""
    out = tmp_path_factory.mktemp("trained")
    return out, home.json("train", "--task", "expression", "--data", faces, "--steps", 40, "--out", out)


def test_a_head_is_trained_and_measured_and_evaluated(
    home: Home, faces: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, first = trained
    home.json("train", "--task", "expression", "--data", faces, "--steps", 40, "--out", tmp_path)
    card = json.loads((folder / "expression.json").read_text())
    own = home.json("evaluate", "expression", "--data", faces, "--head", first["card"])

    assert [method["method"] for method in first["methods"]] == [
        *("published network", "face alone", "comparison", "both")
    ]
    assert first["pictures"] == sum(1 for _ in faces.glob("*/*"))
    assert card["leave_subjects_out"]["comparison_helps"] == first["comparison_helps"]
    assert card["accuracy"] == first["methods"][1]["accuracy"]
    weights, again = (load_file(run / "expression.safetensors") for run in (folder, tmp_path))
    assert all((weights[name] == again[name]).all() for name in weights)
    assert own["accuracy"] > 0.9, "it was trained on these faces"
    assert "with expression, trained on expressions" in own["models"][0]["model"]


@pytest.fixture
def serving(settings: Settings, trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> Settings:
    """Of a service with a copy of the head."""
    folder = tmp_path / "head"
    shutil.copytree(trained[0], folder)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    return settings.model_copy(
        update={
            "model_mirror": str(attributes_mirror(mirror)),
            "attributes": "expression",
            "expression_head": folder / "expression.json",
        }
    )


def test_the_service_estimates_expressions_by_a_trained_head_and_says_where_it_comes_from(
    database: Database, serving: Settings, faces: Path, trained: tuple[Path, dict[str, Any]]
) -> None:
    shown = sorted((faces / "contempt").iterdir())
    with TestClient(create_app(serving)) as client:
        answers = [
            client.post(
                "/v1/detect", files={"image": file.read_bytes()}, data={"attributes": "expression"}
            ).json()["faces"][0]["attributes"]["expression"]
            for file in shown
        ]
        listed = {each["name"]: each for each in client.get("/v1/attributes").json()["attributes"]}

    assert [answer["value"] for answer in answers] == ["contempt"] * 3
    published, own = listed["expression"]["networks"]
    assert (published["name"], published["licence"]) == ("expression", "Apache-2.0")
    assert (own["name"], own["base"], own["publisher"]) == ("expression", "expression", None)
    assert own["trained_on"] == faces.name
    assert own["accuracy"] == trained[1]["methods"][1]["accuracy"]
    assert weights_findings(serving) == set()


def other_base(folder: Path) -> None:
    card = json.loads((folder / "expression.json").read_text())
    (folder / "expression.json").write_text(json.dumps(card | {"base_sha256": "0" * 64}))


def other_weights(folder: Path) -> None:
    with (folder / "expression.onnx").open("ab") as file:
        file.write(b"\0")


def fewer_expressions(folder: Path) -> None:
    card = json.loads((folder / "expression.json").read_text())
    (folder / "expression.json").write_text(json.dumps(card | {"expressions": card["expressions"][1:]}))


def changed(**fields: object) -> Callable[[Path], object]:
    """A card with these `fields`."""

    def change(folder: Path) -> None:
        card = json.loads((folder / "expression.json").read_text())
        (folder / "expression.json").write_text(json.dumps(card | fields))

    return change


def for_one_face(folder: Path) -> None:
    """A network that does not take the faces of a group."""
    network = onnx.load(folder / "expression.onnx")
    network.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    weights = network.SerializeToString()
    (folder / "expression.onnx").write_bytes(weights)
    changed(weights_sha256=hashlib.sha256(weights).hexdigest())(folder)


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (other_base, CardUnusable),
        (for_one_face, CardUnusable),
        (changed(accuracy=float("nan")), CardUnusable),
        (changed(accuracy_interval=[0.1, float("inf")]), CardUnusable),
        (changed(expressions=["\ud800", "sadness"]), CardUnusable),
        (changed(expressions="sad"), CardUnusable),
        (lambda folder: (folder / "expression.json").write_text("[" * 100_000), CardUnusable),
        (fewer_expressions, CardUnusable),
        (other_weights, WeightsDamaged),
        (lambda folder: (folder / "expression.onnx").unlink(), WeightsMissing),
        (lambda folder: (folder / "expression.json").write_text("[]"), CardUnusable),
    ],
)
def test_a_head_that_does_not_fit_ends_the_start_and_the_doctor_names_it(
    database: Database, serving: Settings, damage: Callable[[Path], object], error: type[GemelError]
) -> None:
    assert serving.expression_head is not None
    damage(serving.expression_head.parent)

    with pytest.raises(error, match=r"expression\.(json|onnx)"), TestClient(create_app(serving)):
        pass
    assert weights_findings(serving) == {"expression_head_unusable"}


def test_a_head_that_no_request_may_ask_for_is_found(serving: Settings) -> None:
    forbidding = serving.model_copy(update={"attributes": "pose"})

    assert weights_findings(forbidding) == {"expression_head_unused"}


def weights_findings(settings: Settings) -> set[str]:
    """Codes of what the doctor finds about the head."""
    return {
        finding.code for finding in weights_check.check(settings) if finding.code.startswith("expression")
    }


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        (("--margin", 1), 2, "does not apply to --task expression"),
        (("--name", "Not A Name"), 1, "is not a model name"),
        (("--data", "{empty}"), 1, "has no folders of pictures named after an expression"),
    ],
)
def test_what_cannot_be_trained_is_rejected_before_any_work(
    home: Home, faces: Path, tmp_path: Path, more: tuple[object, ...], status: int, words: str
) -> None:
    filled = [str(each).format(empty=tmp_path) for each in more]

    done = home.run(
        *("train", "--task", "expression", "--data", faces, "--out", tmp_path / "run", *filled), status=status
    )

    assert words in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_no_card_is_rejected(home: Home, faces: Path, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{}")

    done = home.run("evaluate", "expression", "--data", faces, "--head", tmp_path / "card.json", status=1)

    assert "is not the card of a head of expressions: lacks 'expressions'" in " ".join(done.stderr.split())
