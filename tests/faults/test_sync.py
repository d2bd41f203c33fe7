"""What keeps the indexes of a process in step outlives what goes wrong with one of them."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, insert, select, text

from indexer.errors import ReplicasNotReady
from indexer.records import changes, galleries
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import identities
from indexer.records.tables import Embedding, Face, Gallery, Model, Process
from indexer.reindex import switch
from indexer.replica import status as index_status
from indexer.replica.threads import supervised
from indexer.settings import Settings
from indexer.types import ChangeKind
from indexer.usecases.bootstrap import open_pipeline_factory
from service.app import create_app
from tests.support.faults.node import GALLERY, Node
from tests.support.home import wait_for
from tests.support.reindexing import NEW, OLD, Operator, enrol

OTHER = "other"


def enrol_what_no_index_can_take(session: Session, gallery: Gallery) -> None:
    """A face whose vectors, by every model, have a length of 1 instead of the model's dimension."""
    identity = identities.create(session, gallery.id, external_id=None, name=None, metadata={})
    face = Face(
        key=(session.scalar(select(func.max(Face.key))) or 0) + 1,
        identity_id=identity.id,
        box=[1, 2, 3, 4],
        landmarks=[0] * 10,
        confidence=0.9,
        quality=90,
        quality_components={},
        image_sha256=bytes(32),
    )
    session.add(face)
    session.flush()
    for model in session.scalars(select(Model.id)).all():
        session.execute(
            insert(Embedding),
            [{"face_key": face.key, "model_id": model, "vector": bytes(4), "problem": None}],
        )
    changes.append(session, gallery.id, ChangeKind.ENROL, [face.key])


def seen_at(database: Database) -> datetime:
    with database.reading() as session:
        [process] = session.scalars(select(Process)).all()
    return process.seen_at


def states(operator: Operator) -> dict[str, str]:
    """Of the service's indexes by each model, as last reported."""
    [row] = index_status.of_galleries(operator.database, [operator.gallery()])
    return {replica.model: replica.state for _, replica in row.replicas}


def applied(node: Node, gallery_id: UUID) -> int:
    return next(report.applied for report in node.index_cache.reports() if report.gallery_id == gallery_id)


@pytest.fixture
def node(database: Database, migrated: str, tmp_path: Path) -> Iterator[Node]:
    """With open indexes of two galleries, a person in each."""
    with database.transaction() as session:
        for name in (GALLERY, OTHER):
            galleries.create(session, name)
    node = Node(migrated, tmp_path)
    try:
        for name in (GALLERY, OTHER):
            node.enrol(1, name)
            assert node.finds(1, name)
        yield node
    finally:
        node.close()


def test_a_gallery_whose_upkeep_fails_every_time_holds_up_no_other_and_the_process_lives(
    node: Node, database: Database
) -> None:
    with database.transaction() as session:
        enrol_what_no_index_can_take(session, galleries.lock(session, node.gallery().id))
    broken, other = node.gallery(), node.gallery(OTHER)
    wait_for(lambda: any(report.state == "failed" for report in node.index_cache.reports()))
    before = seen_at(database)
    with database.transaction() as session:
        number = changes.append(session, other.id, ChangeKind.DELETE, [10**9])

    wait_for(lambda: applied(node, other.id) >= number)
    wait_for(lambda: seen_at(database) > before)
    assert node.index_sync is not None
    assert node.index_sync.problem is None, "it follows all the others"
    [problem] = [report.problem for report in node.index_cache.reports() if report.gallery_id == broken.id]
    assert problem
    with database.transaction() as session:
        session.execute(text("DELETE FROM embedding WHERE octet_length(vector) = 4"))
        session.execute(text("DELETE FROM face WHERE image_sha256 = :none"), {"none": bytes(32)})
    wait_for(lambda: all(report.state == "ready" for report in node.index_cache.reports()))
    assert all(report.problem is None for report in node.index_cache.reports())


def test_a_process_that_cannot_keep_the_new_index_in_step_holds_a_switch_up(
    settings: Settings, database: Database, hopper: bytes
) -> None:
    with (
        TestClient(create_app(settings), raise_server_exceptions=False) as client,
        open_pipeline_factory(settings) as factory,
    ):
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        operator = Operator(settings, database, factory)
        enrol(client, "Grace", hopper)
        job = operator.work(operator.start(gates=["skipped<=0"]))
        wait_for(lambda: states(operator) == {OLD.fingerprint: "ready", NEW.fingerprint: "ready"})
        with database.transaction() as session:
            enrol_what_no_index_can_take(session, galleries.lock(session, operator.gallery().id))

        with pytest.raises(ReplicasNotReady, match="process"):
            switch.activate(database, job.row.id, patience_seconds=5)

        assert set(states(operator).values()) == {"failed"}
        assert client.get("/readyz").json()["sync"] == "ok"


def test_readiness_tells_that_the_thread_that_follows_the_log_is_stuck(
    client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "STUCK_SECONDS", 0.5)

    def sync() -> str:
        answer = client.get("/readyz")
        assert answer.status_code == 200, answer.text
        said: str = answer.json()["sync"]
        return said

    wait_for(lambda: sync() == "ok")
    with database.transaction() as session:
        session.execute(text("LOCK TABLE reindex IN ACCESS EXCLUSIVE MODE"))
        wait_for(lambda: sync() != "ok")
    wait_for(lambda: sync() == "ok")
