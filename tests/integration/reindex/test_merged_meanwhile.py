"""Faces that get another owner, and so another key, while a re-index runs."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records import reindexes
from indexer.reindex import embed, steps, switch
from indexer.usecases.people.merge import merge
from indexer.usecases.people.regrouping import PeopleChange
from indexer.usecases.people.undo import undo
from tests.support.home import wait_for
from tests.support.reindexing import NEW, OLD, Operator, enrol, who

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'"


@pytest.mark.parametrize("step", ["embed_chunk", "build", "on_gallery"])
def test_a_merge_during_a_re_index_leaves_no_face_without_an_embedding(
    operator: Operator,
    client: TestClient,
    hopper: bytes,
    collins: bytes,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    grace, eileen = enrol(client, "Grace", hopper), enrol(client, "Eileen", collins)
    module: Any = embed if step == "embed_chunk" else steps
    real = getattr(module, step)
    merged: list[PeopleChange] = []

    def merging(*arguments: Any, **named: Any) -> Any:
        if step == "embed_chunk":
            done = real(*arguments, **named)  # embedded by the old keys, and recorded after the merge
        if not merged:
            merged.append(merge(operator.database, "staff", UUID(grace), UUID(eileen)))
        return done if step == "embed_chunk" else real(*arguments, **named)

    monkeypatch.setattr(module, step, merging)
    job = operator.start(gates=["skipped<=0"])
    job = operator.work(job)
    job = operator.work(job)

    assert merged
    assert (job.row.state, job.row.problem) == ("ready", None)
    assert operator.embeddings(NEW.fingerprint) == operator.embeddings(OLD.fingerprint) == 2
    assert who(client, collins) == ("Grace", OLD.fingerprint)
    switch.activate(operator.database, job.row.id)
    assert who(client, collins) == ("Grace", NEW.fingerprint)
    undo(operator.database, "staff", merged[0].id)
    assert who(client, collins) == ("Eileen", NEW.fingerprint)
    switch.rollback(operator.database, job.row.id)
    assert who(client, collins) == ("Eileen", OLD.fingerprint)
    assert operator.clean()


def test_an_embedding_that_is_being_recorded_follows_the_face_to_its_new_key(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes
) -> None:
    """The worker's transaction holds the face, and the merge waits for it."""
    grace, eileen = enrol(client, "Grace", hopper), enrol(client, "Eileen", collins)
    job = operator.start()
    recorded, ending = threading.Event(), threading.Event()

    def record() -> None:
        with operator.database.transaction() as session:
            key = session.scalar(text("SELECT key FROM face WHERE identity_id = :eileen"), {"eileen": eileen})
            vector = b"\0\0\x80\x3f" + bytes(4 * 127)
            reindexes.record_embeddings(session, job.row.to_model_id, {key: vector}, {})
            recorded.set()
            ending.wait()

    def blocked() -> bool:
        with operator.database.reading() as session:
            return bool(session.scalar(text(BLOCKED)))

    with ThreadPoolExecutor(2) as pool:
        recording = pool.submit(record)
        recorded.wait()
        merging = pool.submit(merge, operator.database, "staff", UUID(grace), UUID(eileen))
        wait_for(blocked)
        ending.set()
        recording.result()
        merging.result()

    with operator.database.reading() as session:
        rows = session.execute(
            text(
                "SELECT count(*) FROM embedding JOIN face ON face.key = embedding.face_key"
                " WHERE identity_id = :grace GROUP BY key ORDER BY key"
            ),
            {"grace": grace},
        )
        assert [row[0] for row in rows] == [1, 2]
    assert operator.clean()
