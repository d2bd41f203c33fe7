"""Workers and servers that are told to end, and workers that meet what nobody foresaw."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from indexer.pipeline import embed_crops
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.tables import Reindex, ReindexChunk
from indexer.reindex import embed
from indexer.reindex.worker import Worker
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline_factory
from service.app import create_app
from tests.support.home import Home
from tests.support.pictures import jpeg, pixels
from tests.support.reindexing import NEW, Operator, enrol

ENDLESS = """
import importlib, sys
import numpy as np
from indexer.evaluation.leave_one_out import searches

def endless(*_, **__):
    "As a comparison or a build of a gallery that is far too large."
    print("begun", flush=True)
    vectors = np.random.default_rng(0).standard_normal((2_000, 128)).astype(np.float32)
    everybody = np.arange(2_000)
    while True:
        searches.search(vectors, np.ones(2_000, bool), everybody, everybody)

module, name = sys.argv.pop(1).split(":")
owner = importlib.import_module(module)
getattr(owner, name)  # or nobody would call it, and the test would wait for ever
setattr(owner, name, endless)
from indexer.cli import main
main()
"""
SECONDS = 20
"""Generous, on a busy machine: without an end, building and comparing take minutes."""


@pytest.fixture
def operator(settings: Settings, database: Database, hopper: bytes) -> Iterator[Operator]:
    """Of a gallery with one person."""
    with TestClient(create_app(settings)) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        enrol(client, "Grace", hopper)
    with open_pipeline_factory(settings) as factory:
        yield Operator(settings, database, factory)


def leases(operator: Operator) -> list[str]:
    with operator.database.reading() as session:
        held = [*session.scalars(select(Reindex.worker)), *session.scalars(select(ReindexChunk.worker))]
        done = session.scalars(select(ReindexChunk.worker).where(ReindexChunk.done_at.is_not(None))).all()
    return [worker for worker in held if worker is not None and worker not in done]


@pytest.mark.parametrize(
    "step",
    [
        "indexer.replica.store.database_copy:build",
        "indexer.replica.verification:verify",
        "indexer.reindex.steps:compare_models",
    ],
)
def test_a_worker_that_is_told_to_end_while_it_builds_or_compares_ends_at_once(
    operator: Operator, step: str
) -> None:
    job = operator.start(gates=["skipped<=0"])
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, step, "worker"],
        env={
            "GEMEL_DATABASE_URL": str(operator.settings.database_url),
            "GEMEL_HOME": str(operator.settings.home),
            "PATH": "",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0

    assert leases(operator) == [], "another worker can go on at once"
    assert operator.job(job).row.problem is None
    assert operator.work(job).row.state == "ready"
    assert operator.clean()


def test_a_server_that_is_told_to_end_while_it_builds_an_index_ends_at_once(
    tmp_path: Path, migrated_cluster: Path, hopper: bytes
) -> None:
    home = Home(tmp_path, cluster=migrated_cluster)
    people = tmp_path / "people" / "Grace_Hopper"
    people.mkdir(parents=True)
    (people / "1.jpg").write_bytes(jpeg(pixels(hopper), 60))
    home.run("enrol", people.parent, "--gallery", "staff")

    with home.server(
        command=(sys.executable, "-c", ENDLESS, "indexer.replica.store.database_copy:build"),
        GEMEL_INDEX_PATIENCE_S="0.1",
    ) as (base, process):
        answer = httpx2.post(f"{base}/v1/galleries/staff/identify", files={"image": hopper}, timeout=60)
        assert (answer.status_code, answer.json()["code"]) == (503, "index_not_ready")
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


def test_a_worker_that_ends_of_its_own_accord_has_not_tried_its_chunk(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a job would be stopped by the restarts of its workers."""
    job = operator.start(gates=["skipped<=0"])
    begun, go_on = threading.Event(), threading.Event()
    real = embed.embed_chunk

    def held(loaded: Any) -> Any:
        begun.set()
        go_on.wait(60)
        return real(loaded)

    with monkeypatch.context() as patched:
        patched.setattr(embed, "embed_chunk", held)
        worker = Worker(operator.index_store, operator.factory)
        running = threading.Thread(target=worker.run)
        running.start()
        assert begun.wait(60)
        worker.stop()
        go_on.set()
        running.join(60)
        assert not running.is_alive()

    with operator.database.reading() as session:
        [chunk] = session.scalars(select(ReindexChunk)).all()
    assert (chunk.worker, chunk.leased_until, chunk.attempts, chunk.done_at) == (None, None, 0, None)
    assert operator.work(job).row.state == "ready"


def test_a_worker_whose_network_hangs_ends_when_it_is_told_to(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = operator.start(gates=["skipped<=0"])
    begun, go_on = threading.Event(), threading.Event()

    def hangs(_: Any) -> Any:
        begun.set()
        go_on.wait()
        raise RuntimeError("nobody waits for it any longer")

    with monkeypatch.context() as patched:
        patched.setattr(operator.factory.pipeline(NEW).embedder, "embed", hangs)
        worker = Worker(operator.index_store, operator.factory)
        running = threading.Thread(target=worker.run)
        running.start()
        assert begun.wait(60)
        worker.stop()
        running.join(60)
        ended = not running.is_alive()
        go_on.set()
        running.join(60)

    assert ended
    assert operator.work(job).row.state == "ready"


@pytest.mark.parametrize("function", ["crops_of_chunk", "finish_chunk", "create_chunks"])
def test_what_nobody_foresaw_stops_the_job_with_its_reason_and_leaves_the_worker_alive(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    job = operator.start(gates=["skipped<=0"])

    def fails(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("as nobody foresaw")

    with monkeypatch.context() as patched:
        patched.setattr(reindexes, function, fails)
        stopped = operator.work(job)

    assert "as nobody foresaw" in (stopped.row.problem or "")
    assert leases(operator) == []
    working_on = operator.job(job)
    with operator.database.transaction() as session:
        reindexes.lock(session, working_on.row.id).problem = None
    assert operator.work(job).row.state == "ready"


@pytest.mark.parametrize("function", ["claim_chunk", "claim_step", "runnable", "release_leases"])
def test_what_nobody_foresaw_between_two_steps_costs_a_moment(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, function: str, caplog: pytest.LogCaptureFixture
) -> None:
    job = operator.start(gates=["skipped<=0"])
    real, calls = getattr(reindexes, function), []

    def fails_first(*arguments: Any, **named: Any) -> Any:
        calls.append(function)
        if len(calls) == 1:
            raise ZeroDivisionError("as nobody foresaw")
        return real(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(reindexes, function, fails_first)
        done = operator.work(job)

    assert (done.row.state, done.row.problem) == ("ready", None)
    assert "as nobody foresaw" in caplog.text
    assert operator.embeddings(NEW.fingerprint) == 1


def test_one_crop_that_no_library_can_take_is_skipped_with_the_reason(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise ArithmeticError("the landmarks are on one line")

    job = operator.start(gates=["skipped<=1"])
    monkeypatch.setattr(embed_crops, "aligned", fails)
    done = operator.work(job)

    assert done.row.state == "ready", done.row.problem
    with operator.database.reading() as session:
        [(_, _, why)] = reindexes.problems(session, job.gallery.id, job.row.to_model_id, at_most=9)
    assert "the landmarks are on one line" in why
