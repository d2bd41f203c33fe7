"""`gemel evaluate ...` as it is typed, on a handful of real faces. Unit tests check the figures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.home import Home
from tests.support.pictures import jpeg, pixels
from tests.support.weights import ATTRIBUTES, needs_attributes


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory, hopper: bytes, collins: bytes, nobody: bytes) -> Path:
    """Laid out as LFW is: Grace Hopper three times, Eileen Collins and a cup of coffee once."""
    folder = tmp_path_factory.mktemp("faces")
    darker = jpeg((pixels(hopper) * 0.7).astype(np.uint8))
    mirrored = jpeg(np.ascontiguousarray(pixels(hopper)[:, ::-1]))
    for name, pictures in {
        "Grace_Hopper": (hopper, darker, mirrored),
        "Eileen_Collins": (collins,),
        "Cup_Coffee": (nobody,),
    }.items():
        (folder / name).mkdir()
        for number, data in enumerate(pictures, 1):
            (folder / name / f"{name}_{number:04d}.jpg").write_bytes(data)
    (folder / "pairs.txt").write_text(
        "2\t1\n"
        "Grace_Hopper\t1\t2\nGrace_Hopper\t1\tEileen_Collins\t1\n"
        "Grace_Hopper\t2\t3\nGrace_Hopper\t3\tCup_Coffee\t1\n"
    )
    (folder / "labels.csv").write_text(
        "file,group\nGrace_Hopper_0001.jpg,sailor\nGrace_Hopper_0002.jpg,sailor\n"
        "Eileen_Collins/Eileen_Collins_0001.jpg,pilot\nCup_Coffee_0001.jpg,pilot\n"
    )
    return folder


def evaluated(home: Home, page: Path, *arguments: object) -> tuple[Any, str]:
    """What the command says as JSON, and its page."""
    said = json.loads(home.run("evaluate", *arguments, "--json", "-", "--html", page).stdout)
    html = page.read_text("utf-8")
    assert html.count("data:image/png;base64,") >= 1
    assert "<script" not in html
    assert 'src="http' not in html
    for model in said["models"]:
        assert model["model"] in html
    return said, html


def test_pairs_are_verified_and_drawn(home: Home, faces: Path, tmp_path: Path) -> None:
    plot = tmp_path / "roc.png"

    said, html = evaluated(home, tmp_path / "a.html", "lfw", "--data", faces, "--plot", plot)

    [model] = said["models"]
    assert (model["pairs"], model["undetected"], model["eer"]) == (4, 1, 0.0)
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "TAR at FAR" in html


def test_two_models_stand_side_by_side_in_one_report(home: Home, faces: Path, tmp_path: Path) -> None:
    said, html = evaluated(
        home,
        tmp_path / "b.html",
        *("openset", "--data", faces, "--model", "sface", "--model", "dlib-resnet", "--largest", 200),
    )

    sface, dlib = said["models"]
    assert sface["model"].startswith("sface-")
    assert dlib["model"].startswith("dlib-resnet-")
    for model in (sface, dlib):
        assert (model["gallery"], model["mated"], model["nonmated"], model["undetected"]) == (1, 2, 2, 1)
        assert model["rank1"] == model["within_rank"]["1"] == 1.0
        assert [point["synthetic"] for point in model["growth"]["points"]] == [0, 199]
    assert html.count("<th>sface-") >= 2
    assert "synthetic distractors" in html


def test_bad_photographs_cost_what_they_cost(home: Home, faces: Path, tmp_path: Path) -> None:
    said, html = evaluated(
        home, tmp_path / "c.html", "robustness", "--data", faces, "--people", 2, "--series", "resolution"
    )

    [model] = said["models"]
    levels = [condition["level"] for condition in model["conditions"]]
    assert levels == ["112 px", "56 px", "42 px", "28 px, a quarter", "20 px", "16 px"]
    assert model["clean"]["rank1"] == model["conditions"][0]["rank1"] == 1.0
    assert model["clean"]["not_found"] == pytest.approx(1 / 3), "the cup of coffee"
    assert model["conditions"][-1]["fnir"] >= model["clean"]["fnir"]
    assert "a quarter" in html


def test_groups_are_compared_by_the_labels_of_a_csv(home: Home, faces: Path, tmp_path: Path) -> None:
    said, _ = evaluated(
        home, tmp_path / "d.html", "fairness", "--data", faces, "--labels", faces / "labels.csv"
    )

    [model] = said["models"]
    pilots, sailors = model["groups"]
    assert (pilots["group"], pilots["people"], pilots["undetected"], pilots["fmr"]) == ("pilot", 2, 1, 0)
    assert (sailors["group"], sailors["fmr"], sailors["fnmr"]) == ("sailor", None, 0)
    assert said["unlabelled"] == 1


def test_speed_is_told_for_every_stage_and_batch(home: Home, faces: Path, tmp_path: Path) -> None:
    said, _ = evaluated(home, tmp_path / "e.html", "speed", "--data", faces, "--runs", 2)

    [model] = said["models"]
    assert [(one["stage"], one["batch"]) for one in model["timings"]] == [
        *(("decode", 1), ("detect", 1), ("align", 1)),
        *(("embed", 1), ("embed", 8), ("embed", 32)),
    ]
    assert all(0 < one["median_ms"] <= one["p95_ms"] for one in model["timings"])
    assert (model["pictures"], model["undetected"]) == (4, 1)


@needs_attributes
def test_expressions_are_counted_with_the_pictures_that_show_no_face(
    home: Home, tmp_path: Path, collins: bytes, nobody: bytes
) -> None:
    for name, data in {"happy/a_1.jpg": collins, "contempt/b_1.jpg": collins, "fear/c_1.png": nobody}.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(data)
    home.run("models", "add", ATTRIBUTES / "fer_mobilefacenet_2022july_int8.onnx")

    said, html = evaluated(home, tmp_path / "f.html", "expression", "--data", tmp_path / "data")

    assert said["accuracy"] == pytest.approx(1 / 3)
    low, high = said["accuracy_interval"]
    assert low < 1 / 3 < high
    assert said["no_face"] == said["confusion"]["fear"]["no_face"] == 1
    assert said["confusion"]["happiness"]["happiness"] == said["confusion"]["contempt"]["happiness"] == 1
    assert "Not contempt" in html


def test_an_attribute_is_counted_by_labels_in_folders_or_in_a_table(
    home: Home, tmp_path: Path, collins: bytes, hopper: bytes, nobody: bytes
) -> None:
    """Grace Hopper, in uniform, is estimated to be a man: a wrong answer, as a cup of coffee is one."""
    data, page = tmp_path / "data", tmp_path / "page.html"
    for name, picture in {
        "female/c_1.jpg": collins,
        "female/h_1.jpg": hopper,
        "male/n_1.jpg": nobody,
    }.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(picture)
    table = tmp_path / "labels.csv"
    table.write_text("file,label\nfemale/c_1.jpg,female\nfemale/h_1.jpg,female\n")

    command = ("evaluate", "attribute", "gender", "--data", data, "--json", "-")
    said = json.loads(home.run(*command, "--html", page).stdout)
    of_table = json.loads(home.run(*command, "--labels", table).stdout)

    assert said["accuracy"] == pytest.approx(1 / 3)
    assert said["accuracy_when_decided"] == pytest.approx(1 / 2)
    assert said["confusion"]["female"] == {"female": 1, "male": 1, "no_face": 0}
    assert said["no_face"] == said["confusion"]["male"]["no_face"] == 1
    assert "Confusion" in page.read_text("utf-8")
    assert of_table["accuracy"] == of_table["accuracy_when_decided"] == pytest.approx(1 / 2)
    assert "no_face" not in of_table["confusion"]["female"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("openset", "--data", "{faces}", "--model", "nobodys"), 1, "model_unknown"),
        (("fairness", "--data", "{faces}"), 1, "--labels"),
        (("robustness", "--data", "{faces}", "--series", "rain"), 2, "resolution, noise"),
        (("speed", "--data", "{empty}"), 1, "holds no pictures"),
        (("expression", "--data", "{faces}"), 1, "not named after an expression"),
        (("attribute", "age", "--data", "{faces}"), 1, "`gemel evaluate age` measures it"),
        (("attribute", "expression", "--data", "{faces}"), 1, "`gemel evaluate expression`"),
        (("attribute", "gender", "--data", "{faces}"), 1, "its values are female, male"),
        (("attribute", "gender", "--data", "{empty}"), 1, "named after a label"),
        (("lfw", "--data", "{faces}", "--html", "{empty}/no/where.html"), 2, "does not exist"),
    ],
)
def test_what_cannot_be_measured_is_rejected_in_a_line(
    home: Home, faces: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    filled = [argument.format(faces=faces, empty=tmp_path) for argument in arguments]

    done = home.run("evaluate", *filled, status=status)

    assert words in " ".join(done.stderr.replace("│", " ").split())
