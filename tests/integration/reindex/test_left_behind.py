"""Jobs continue after faces were enrolled without the new model, and after a problem."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.errors import ModelUnavailable
from indexer.pipeline.pipelines import Pipelines
from indexer.records import reindexes
from indexer.reindex import chunks, control, steps, switch, worker
from indexer.replica import status as index_status
from indexer.replica import verification
from tests.support.home import wait_for
from tests.support.reindexing import NEW, OLD, Operator, enrol, who


@contextmanager
def the_other_model_missing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process on a machine without the model's weights."""

    def missing(pipelines: Pipelines, model: int) -> Any:
        raise ModelUnavailable("its weights are not here")

    with monkeypatch.context() as patched:
        patched.setattr(Pipelines, "by_number", missing)
        yield


@contextmanager
def before_each_first(monkeypatch: pytest.MonkeyPatch, name: str, act: Any) -> Iterator[None]:
    """`act` happens before the first call of `name`, a step or a part of one."""
    real = getattr(steps, name)
    acted: list[str] = []

    def acting(*arguments: Any, **named: Any) -> Any:
        if not acted:
            acted.append(name)
            act()
        return real(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(steps, name, acting)
        yield
    assert acted


@pytest.mark.parametrize("step", ["build", "on_gallery"])
def test_a_face_enrolled_without_the_new_model_during_a_build_is_embedded_and_the_job_continues(
    operator: Operator,
    client: TestClient,
    hopper: bytes,
    collins: bytes,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.start(gates=["skipped<=0"])

    def enrolled_without() -> None:
        with the_other_model_missing(monkeypatch):
            enrol(client, "Eileen", collins)

    with before_each_first(monkeypatch, step, enrolled_without):
        job = operator.work(job)
    job = operator.work(job)

    assert (job.row.state, job.row.problem) == ("ready", None)
    assert operator.embeddings(NEW.fingerprint) == 2
    switch.activate(operator.database, job.row.id)
    assert who(client, collins) == ("Eileen", NEW.fingerprint)
    assert operator.clean()


def test_a_face_enrolled_without_the_new_model_and_without_a_crop_is_skipped_with_the_reason(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.start(gates=["skipped<=1"])

    def enrolled_without() -> None:
        with operator.database.transaction() as session:
            session.execute(text("UPDATE gallery SET store_crops = false"))
        with the_other_model_missing(monkeypatch):
            enrol(client, "Eileen", collins)

    with before_each_first(monkeypatch, "build", enrolled_without):
        job = operator.work(job)

    assert (job.row.state, job.row.problem) == ("ready", None)
    with operator.database.reading() as session:
        [(_, _, why)] = reindexes.problems(session, job.gallery.id, job.row.to_model_id, at_most=9)
    assert why == "no crop of the face is stored"


def test_resume_revives_a_job_that_stopped_in_building_because_embeddings_were_missing(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions left such jobs."""
    enrol(client, "Grace", hopper)
    job = operator.work(operator.start(gates=["skipped<=0"]))
    with the_other_model_missing(monkeypatch):
        enrol(client, "Eileen", collins)
    with operator.database.transaction() as session:
        row = reindexes.lock(session, job.row.id)
        row.state, row.problem = (
            "building",
            "building: 1 faces of this gallery were enrolled with another model",
        )
    control.resume(operator.database, job.row.id)

    job = operator.work(job)

    assert (job.row.state, job.row.problem) == ("ready", None)
    assert operator.embeddings(NEW.fingerprint) == 2


def test_resume_revives_a_job_that_stopped_after_too_many_attempts_at_a_chunk(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.start(gates=["skipped<=0"])
    with operator.database.transaction() as session:
        session.execute(text(f"UPDATE reindex_chunk SET attempts = {chunks.MAX_ATTEMPTS}"))
    job = operator.work(job)
    assert "has failed 5 times" in (job.row.problem or "")

    control.resume(operator.database, job.row.id)
    job = operator.work(job)

    assert (job.row.state, job.row.problem) == ("ready", None)
    assert operator.embeddings(NEW.fingerprint) == 1


def test_a_rollback_finds_faces_that_were_enrolled_without_the_old_model(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.work(operator.start(gates=["skipped<=0"]))
    switch.activate(operator.database, job.row.id)
    real = Pipelines.by_number

    def without_the_old(pipelines: Pipelines, model: int) -> Any:
        if model == job.row.from_model_id:
            raise ModelUnavailable("its weights are not here")
        return real(pipelines, model)

    with monkeypatch.context() as patched:
        patched.setattr(Pipelines, "by_number", without_the_old)
        enrol(client, "Eileen", collins)
    assert operator.embeddings(OLD.fingerprint) == 1
    operator.work(job)

    assert operator.embeddings(OLD.fingerprint) == 2
    switch.rollback(operator.database, job.row.id)
    assert who(client, collins) == ("Eileen", OLD.fingerprint)
    assert all(
        verification.verify(index_store, gallery).clean
        for gallery, index_store in index_status.stores_of(operator.index_store, [operator.gallery()])
    )


def test_a_job_stops_with_the_reason_if_people_were_deleted_in_sql(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes
) -> None:
    """No face lacks an embedding, but the gallery's face_count is too high."""
    enrol(client, "Grace", hopper)
    enrol(client, "Eileen", collins)
    job = operator.start(gates=["skipped<=0"])
    with operator.database.transaction() as session:
        session.execute(text("DELETE FROM identity WHERE name = 'Eileen'"))

    running = worker.Worker(operator.index_store, operator.factory)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        wait_for(lambda: operator.job(job).row.problem is not None, 60)
    finally:
        running.stop()
        thread.join()

    stopped = operator.job(job).row
    assert stopped.state == "building"
    assert "face_count is 2, but the number of its faces is 1" in (stopped.problem or "")
