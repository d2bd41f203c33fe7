"""`gemel train` as it is typed, and its model in the service."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.home import Home
from tests.support.pictures import tinted_people

QUICK = ("--backbone", "paper", "--dimension", "16", "--steps", "2", "--pairs", "2", "--evaluate-every", "1")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, hopper: bytes, collins: bytes) -> Path:
    return tinted_people(tmp_path_factory.mktemp("people"), hopper, collins)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def finished(home: Home, people: Path) -> tuple[Path, str]:
    """Folder of a run, and what was said meanwhile."""
    out = home.folder / "run"
    done = home.run("train", "--data", people, "--out", out, "--validation", "0.54", "--name", "mine", *QUICK)
    return out, " ".join(done.stderr.split())


@pytest.fixture(scope="module")
def trained(finished: tuple[Path, str]) -> Path:
    """Folder of a run."""
    return finished[0]


def test_a_run_writes_weights_card_history_and_plot(trained: Path) -> None:
    assert {"mine.safetensors", "mine.onnx", "mine.json", "history.csv", "curves.png", "last.pt"} <= {
        path.name for path in trained.iterdir()
    }
    with (trained / "history.csv").open() as course:
        assert [row["step"] for row in csv.DictReader(course)] == ["0", "1", "2"]


def test_a_run_on_a_handful_of_people_warns_about_it(finished: tuple[Path, str]) -> None:
    _, printed = finished

    assert "people are few to train on" in printed
    assert "people are few to validate with: 59 are needed" in printed


def test_a_run_is_not_overwritten_and_is_resumed_on_request(home: Home, trained: Path, people: Path) -> None:
    of = ("train", "--data", people, "--out", trained, "--validation", "0.54", "--name", "mine", *QUICK)
    course = (trained / "history.csv").read_text()
    refused = home.run(*of, status=1)
    resumed = json.loads(home.run(*of, "--resume", "--json").stdout)

    assert "--resume continues" in refused.stderr
    assert resumed["card"].endswith("mine.json")
    assert (trained / "history.csv").read_text() == course, "it was at its end, and no step is made twice"


def test_people_of_the_data_to_evaluate_on_are_excluded_and_listed(
    home: Home, trained: Path, people: Path, tmp_path: Path
) -> None:
    (tmp_path / "lfw").mkdir()
    (tmp_path / "lfw" / "grace 0").symlink_to(people / "Grace_0")  # the same name, spelled otherwise
    done = home.run(
        "train", "--data", people, "--out", tmp_path / "run", "--validation", "0.54", *QUICK,
        "--disjoint-from", tmp_path / "lfw", "--overlap-score", "0.99",
    )  # fmt: skip

    cards = [
        json.loads(path.read_text()) for path in (tmp_path / "run" / "siamese.json", trained / "mine.json")
    ]
    with (tmp_path / "run" / "overlap-lfw.csv").open() as rows:
        [known] = list(csv.DictReader(rows))
    assert (known["identity"], known["same_name"]) == ("Grace_0", "True")
    assert "1 identities may be people of lfw and are excluded" in done.stderr
    assert "no --disjoint-from" not in done.stderr
    assert cards[0]["training"]["disjoint_from"] == ["lfw"]
    runs = [card["training"] for card in cards]
    assert [one["identities"] + one["validation"]["identities"] for one in runs] == [8, 9]


VALUES = "--pairs 1 --steps 1 --freeze 14 --evaluate-every 1 --precision float32 --no-compile"
"""Instead of the recipe's."""


def test_a_run_from_sface_uses_its_recipe_says_so_and_is_resumed_with_it(
    home: Home, people: Path, tmp_path: Path
) -> None:
    of = ("train", "--data", people, "--out", tmp_path / "run", "--from", "sface")
    first = home.run(*of, "--validation", "0.54", *VALUES.split()).stderr
    card = json.loads((tmp_path / "run" / "siamese.json").read_text())
    resumed = home.run(*of, "--resume").stderr

    values = (
        "--margin 2 --distance cosine --negatives hardest --pairs 1 --steps 1 --learning-rate 8e-05"
        " --weight-decay 0.0001 --distillation 2 --centre --blend 0.5 --freeze 14 --augment distant"
        " --evaluate-every 1 --patience 8 --precision float32 --no-compile"
    )
    printed = first.splitlines()
    assert printed[0] == "sface, by the recipe of sface:"
    assert values in printed[1]
    assert printed[2].split(": ")[1] == VALUES
    assert card["training"]["options"]["blend"] == 0.5
    assert "sface, by the options of the run" in resumed
    assert printed[1] in resumed.splitlines()


def test_a_run_that_excludes_nobody_warns_that_it_may_overlap_with_the_evaluation(
    finished: tuple[Path, str],
) -> None:
    out, printed = finished

    assert (
        "no --disjoint-from: people of the training data may also be in the data that you evaluate" in printed
    )
    assert json.loads((out / "mine.json").read_text())["training"]["disjoint_from"] == []


def test_a_sweep_prints_a_table_and_writes_a_plot(home: Home, people: Path, tmp_path: Path) -> None:
    shown = home.run(
        "train", "--data", people, "--out", tmp_path / "s", "--validation", "0.54", *QUICK,
        "sweep", "--margins", "0.5,1.5",
    )  # fmt: skip
    assert "0.5" in shown.stdout
    assert (tmp_path / "s" / "sweep.csv").read_text().count("\n") == 3
    assert (tmp_path / "s" / "sweep.png").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("--margin", "0"), "margin must be above 0"),
        (("--backbone", "vgg"), "is not one of paper"),
        (("--freeze", "17"), "has 17 stages"),
        (("--backbone", "dlib-resnet", "--centre"), "has no bias"),
        (("--device", "gpu"), "is not a device"),
        (("--disjoint-from", "nowhere"), "neither a folder nor a list"),
    ],
)
def test_invalid_options_are_rejected_before_the_run_starts(
    home: Home, people: Path, tmp_path: Path, changed: tuple[str, ...], said: str
) -> None:
    refused = home.run("train", "--data", people, "--out", tmp_path / "r", *changed, status=1)
    assert said in refused.stderr
    assert not (tmp_path / "r").exists()


def test_a_missing_option_is_named(home: Home) -> None:
    assert "--data" in home.run("train", "--out", "x", status=2).stderr


@pytest.fixture
def client(database: Database, settings: Settings, trained: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A service of the trained model, given scores: so few faces do not measure them."""
    card = json.loads((trained / "mine.json").read_text())
    card |= {"score_at_fmr": [[0.5, 0.9], [0.01, 0.99]], "file": str(trained / "mine.safetensors")}
    (tmp_path / "served.json").write_text(json.dumps(card))
    served = settings.model_copy(update={"model": f"safetensors:{tmp_path / 'served.json'}"})
    with TestClient(create_app(served), raise_server_exceptions=False) as client:
        yield client


def test_the_service_enrols_and_identifies_with_it_as_it_is(client: TestClient, hopper: bytes) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    client.post("/v1/galleries/staff/identities", files={"images": hopper}, data={"name": "Grace"})
    found = client.post("/v1/galleries/staff/identify", files={"image": hopper}).json()
    [listed] = [model for model in client.get("/v1/models").json()["models"] if model["active"]]

    assert found["faces"][0]["candidates"][0]["identity"]["name"] == "Grace"
    assert found["faces"][0]["candidates"][0]["score"] == pytest.approx(1.0, abs=1e-4)
    assert found["model"].startswith("mine-")
    assert (listed["name"], listed["dimension"]) == ("mine", 16)
