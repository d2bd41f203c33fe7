"""A gallery is re-indexed to a model with another dimension, and back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from fastapi.testclient import TestClient
from onnx import TensorProto, helper, numpy_helper
from sqlalchemy import func, select

from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.records import reindexes
from indexer.records.tables import Embedding
from indexer.replica.store import IndexStore
from tests.support.home import wait_for
from tests.support.reindexing import OLD, PATH, Operator, answered_by, asked_all_the_time, enrol, who

DIMENSION = 64
_SIDE = 14


@pytest.fixture
def projection(tmp_path: Path) -> ModelCard:
    """A custom network: a random projection of a small face, which is enough to distinguish two pictures."""
    weights = np.random.default_rng(0).standard_normal((3 * _SIDE * _SIDE, DIMENSION)).astype(np.float32)
    step = 112 // _SIDE
    graph = helper.make_graph(
        [
            helper.make_node(
                "AveragePool", ["faces"], ["small"], kernel_shape=[step] * 2, strides=[step] * 2
            ),
            helper.make_node("Flatten", ["small"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
        ],
        "projection",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIMENSION])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(tmp_path / "projection.onnx"))
    card: dict[str, Any] = {
        "name": "projection",
        "template": "arcface-112-v1",
        "input_px": 112,
        "dimension": DIMENSION,
        "channels": "rgb",
        "mean": [127.5, 127.5, 127.5],
        "std": [127.5, 127.5, 127.5],
        "licence": "CC0-1.0",
        "source": "made for this test",
        "score_at_fmr": [[0.5, 0.3], [0.1, 0.5], [0.01, 0.7], [0.001, 0.8], [0.0001, 0.9]],
        "genuine_scores": [0.3, 0.8, 0.99],
    }
    (tmp_path / "projection.json").write_text(json.dumps(card))
    return catalog.named(f"onnx:{tmp_path / 'projection.onnx'}", mirror=True)


def through(operator: Operator, client: TestClient, to: str) -> str:
    """Starts, works and activates over the API. Returns the path of the job."""
    body = {"gallery": "staff", "to": to, "gates": ["skipped<=0"]}
    started = client.post("/v1/reindexes", json=body)
    assert started.status_code == 202, started.text
    path = f"/v1/reindexes/{started.json()['id']}"
    work(operator, client, path)
    assert client.get(path).json()["state"] == "ready", client.get(path).text
    activated = client.post(f"{path}/activate")
    assert activated.status_code == 200, activated.text
    return path


def work(operator: Operator, client: TestClient, path: str) -> None:
    job_id = client.get(path).json()["id"]
    with operator.database.reading() as session:
        job = reindexes.get(session, job_id)
    operator.work(job)


def lengths(operator: Operator) -> dict[int, int]:
    """The number of embeddings by dimension."""
    length = func.octet_length(Embedding.vector) / 4
    with operator.database.reading() as session:
        return {int(n): count for n, count in session.execute(select(length, func.count()).group_by(length))}


def test_a_gallery_goes_to_another_dimension_and_back_by_rollback_and_by_another_job(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes, projection: ModelCard
) -> None:
    enrol(client, "Grace", hopper)
    with asked_all_the_time(client, hopper) as answers:
        answered_by(answers, OLD.fingerprint)
        path = through(operator, client, projection.known_as)
        answered_by(answers, projection.fingerprint)
        assert who(client, hopper) == ("Grace", projection.fingerprint)
        enrol(client, "Eileen", collins)
        assert who(client, collins) == ("Eileen", projection.fingerprint)
        client.post(f"{path}/rollback").raise_for_status()
        assert who(client, collins) == ("Eileen", OLD.fingerprint), "enrolled with the other model"
        client.post(f"{path}/activate").raise_for_status()
        assert lengths(operator) == {128: 2, DIMENSION: 2}
        compared = client.get(f"{path}/comparison").json()
        client.post(f"{path}/cleanup").raise_for_status()
        enrol(client, "Eileen again", collins)
        work(operator, client, path)
        assert lengths(operator) == {DIMENSION: 3}
        rejected = client.post(f"{PATH}/search", json={"embedding": [0.5] * 128, "model": OLD.fingerprint})

        path = through(operator, client, "sface")
        assert who(client, hopper) == ("Grace", OLD.fingerprint)
        client.post(f"{path}/cleanup").raise_for_status()
        work(operator, client, path)
        wait_for(lambda: lengths(operator) == {128: 3})
        assert operator.clean()

    assert rejected.status_code in (409, 422), rejected.text
    assert compared["new"]["model"] == projection.fingerprint
    assert {name for name, _ in answers} == {"Grace"}, answers
    assert {model for _, model in answers} == {OLD.fingerprint, projection.fingerprint}


@pytest.mark.parametrize("end", ["cancel", "cleanup"])
def test_a_model_that_can_no_longer_be_opened_can_be_cleaned_up(
    operator: Operator, client: TestClient, hopper: bytes, projection: ModelCard, end: str
) -> None:
    enrol(client, "Grace", hopper)
    path = through(operator, client, projection.known_as)
    if end == "cancel":
        client.post(f"{path}/rollback").raise_for_status()
    else:
        client.post(f"{path}/cleanup").raise_for_status()
        work(operator, client, path)
        path = through(operator, client, "sface")
    Path(projection.known_as.removeprefix("onnx:")).unlink()
    client.post(f"{path}/{end}").raise_for_status()
    operator.index_store = IndexStore.of(
        operator.settings, operator.database, OLD
    )  # that has not opened it yet
    work(operator, client, path)

    assert client.get(path).json()["state"] == ("cancelled" if end == "cancel" else "done")
    assert lengths(operator) == {128: 1}
    assert who(client, hopper) == ("Grace", OLD.fingerprint)
