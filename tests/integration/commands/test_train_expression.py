"""`gemel train --task expression` as it is typed, on a few real faces."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.support.home import Home
from tests.support.pictures import shared
from tests.support.weights import ATTRIBUTES, needs_attributes

pytestmark = needs_attributes

PEOPLE = ("S046", "S011", "S132", "S074", "S106", "S130")


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


def test_a_head_is_trained_and_measured_and_evaluated(home: Home, faces: Path, tmp_path: Path) -> None:
    train = ("train", "--task", "expression", "--data", faces, "--steps", 40)

    first = home.json(*train, "--out", tmp_path / "a")
    home.json(*train, "--out", tmp_path / "b")
    card = json.loads((tmp_path / "a" / "expression.json").read_text())
    own = home.json("evaluate", "expression", "--data", faces, "--head", first["card"])

    assert [method["method"] for method in first["methods"]] == [
        *("published network", "face alone", "comparison", "both")
    ]
    assert first["pictures"] == sum(1 for _ in faces.glob("*/*"))
    assert card["leave_subjects_out"]["comparison_helps"] == first["comparison_helps"]
    weights, again = (load_file(tmp_path / run / "expression.safetensors") for run in "ab")
    assert all((weights[name] == again[name]).all() for name in weights)
    assert own["accuracy"] > 0.9, "it was trained on these faces"
    assert "with expression, trained on expressions" in own["models"][0]["model"]


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
