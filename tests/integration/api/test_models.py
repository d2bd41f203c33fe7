"""Which models a request may name: published ones, and files below one folder. Nothing else is touched."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from onnx import TensorProto, helper, numpy_helper

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.asking import assert_problem

CARD: dict[str, Any] = {
    "name": "projection",
    "template": "arcface-112-v1",
    "input_px": 112,
    "dimension": 16,
    "channels": "rgb",
    "mean": [127.5, 127.5, 127.5],
    "std": [127.5, 127.5, 127.5],
    "licence": "CC0-1.0",
    "source": "made for this test",
    "score_at_fmr": [[0.5, 0.3], [0.1, 0.5], [0.01, 0.7], [0.001, 0.8], [0.0001, 0.9]],
    "genuine_scores": [0.3, 0.8, 0.99],
}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with a model of one's own, and beside the folder the same model once more."""
    folder = tmp_path / "models"
    folder.mkdir()
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["faces"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
        ],
        "projection",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 16])],
        [
            numpy_helper.from_array(
                np.random.default_rng(0).standard_normal((3 * 112 * 112, 16)).astype(np.float32), "weights"
            )
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(made, str(folder / "projection.onnx"))
    (folder / "projection.json").write_text(json.dumps(CARD))
    for file in ("projection.onnx", "projection.json"):
        shutil.copy(folder / file, tmp_path / file)
    return folder


@pytest.fixture
def client(database: Database, settings: Settings, models: Path) -> Iterator[TestClient]:
    configured = settings.model_copy(update={"models_dir": models})
    with TestClient(create_app(configured), raise_server_exceptions=False) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        yield client


def start(client: TestClient, to: str, **more: Any) -> Response:
    answer: Response = client.post("/v1/reindexes", json={"gallery": "staff", "to": to} | more)
    return answer


@pytest.mark.parametrize("absolute", [False, True])
def test_a_model_below_the_folder_may_be_named(client: TestClient, models: Path, absolute: bool) -> None:
    name = str(models / "projection.onnx") if absolute else "projection.onnx"

    started = start(client, f"onnx:{name}")

    assert started.status_code == 202, started.text
    assert started.json()["to_model"].startswith("projection-")


def test_every_other_name_is_one_and_the_same_422(client: TestClient, models: Path, tmp_path: Path) -> None:
    """Absent, elsewhere, reached by a link, no regular file, or no name at all: nothing tells them apart,
    and none is waited for."""
    os.mkfifo(models / "pipe.json")
    os.mkfifo(models / "pipe.onnx")
    shutil.copy(models / "projection.json", models / "fifo.json")
    os.mkfifo(models / "fifo.onnx")
    (models / "folder.json").mkdir()
    (models / "linked.json").symlink_to(tmp_path / "projection.json")
    (models / "linked.onnx").symlink_to(tmp_path / "projection.onnx")
    (models / "out").symlink_to(tmp_path)
    (models / "loop.json").symlink_to(models / "loop.json")
    (models / "zero.json").symlink_to("/dev/zero")
    (models / "away.json").write_text(json.dumps(CARD | {"file": "../projection.onnx"}))
    names = [
        "nosuchmodel",
        "",
        "\0",
        "onnx:",
        "onnx:absent.onnx",
        "onnx:../projection.onnx",
        f"onnx:{tmp_path / 'projection.onnx'}",
        "onnx:/etc/passwd",
        "onnx:/dev/zero",
        "onnx:~/projection.onnx",
        "onnx:pipe.onnx",
        "onnx:fifo.onnx",
        "onnx:folder.json",
        "onnx:linked.onnx",
        "onnx:out/projection.onnx",
        "onnx:loop.onnx",
        "onnx:zero.onnx",
        "onnx:away.json",
        "onnx:a\0b.onnx",
        "onnx:" + "a/" * 2000,
        "onnx:" + "x" * 4000,
        "safetensors:/etc/passwd",
        "safetensors:pipe.onnx",
    ]

    answers = {name: assert_problem(start(client, name), 422, "invalid_request") for name in names}

    assert {answer["detail"] for answer in answers.values()} == {answers["nosuchmodel"]["detail"]}
    assert client.get("/v1/reindexes").json()["reindexes"] == []


def test_without_a_folder_no_file_may_be_named(database: Database, settings: Settings, models: Path) -> None:
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        named = assert_problem(start(client, f"onnx:{models / 'projection.onnx'}"), 422, "invalid_request")
        absent = assert_problem(start(client, "onnx:/absent.onnx"), 422, "invalid_request")

    assert named["detail"] == absent["detail"]
    assert "GEMEL_MODELS_DIR" in named["detail"]


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ({"dimension": 17}, "its card says 17"),
        ({"channels": "cmyk"}, "channels"),
        ({"score_at_fmr": []}, "score_at_fmr"),
        ({"licence": "x" * 2_000_000}, "more than 1000000 bytes"),
    ],
)
def test_what_is_wrong_with_a_model_below_the_folder_is_a_422_that_says_so(
    client: TestClient, models: Path, card: dict[str, Any], reason: str
) -> None:
    (models / "projection.json").write_text(json.dumps(CARD | card))

    problem = assert_problem(start(client, "onnx:projection.onnx"), 422, "invalid_request")

    assert reason in problem["detail"]
    assert problem["field"] == "to"


@pytest.mark.parametrize(
    "gate",
    ["fnir@0.1.2<=old", "fnir@...<=0", "rank1>=1.2.3", "skipped<=...", "skipped<=0\0", f"rank1>={'9' * 500}"],
)
def test_a_gate_without_a_number_is_422(client: TestClient, gate: str) -> None:
    assert "gate" in assert_problem(start(client, "dlib-resnet", gates=[gate]), 422)["detail"]


def test_models_are_listed_with_what_is_on_the_machine(client: TestClient) -> None:
    models = client.get("/v1/models").json()["models"]
    listed = {model["name"]: model for model in models if not model["superseded"]}
    answer = assert_problem(start(client, "sface+reid0095"), 422, "invalid_request")

    assert (listed["sface"]["available"], listed["sface"]["active"]) == (True, True)
    assert (listed["sface+reid0095"]["available"], listed["sface+reid0095"]["recommended"]) == (False, True)
    assert [name for name, model in listed.items() if model["recommended"]] == ["sface+reid0095"]
    assert "`gemel models fetch reid0095`" in answer["detail"]


def test_models_are_listed_with_what_they_miss_on_public_photographs(client: TestClient) -> None:
    models = client.get("/v1/models").json()["models"]
    listed = {model["name"]: model for model in models if not model["superseded"]}

    def misses(name: str) -> Any:
        [figure] = [figure for figure in listed[name]["figures"] if figure["fmr"] == 0.001]
        return figure["misses"]

    assert misses("sface")["interval"][1] == 0.05
    assert misses("dlib-resnet")["rate"] == pytest.approx(0.3, abs=0.02)
    assert listed["sface"]["download_bytes"] == 0
    assert listed["reid0095"]["download_bytes"] > 1_000_000
