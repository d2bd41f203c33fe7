"""A gallery that others hold for long: a job waits and goes on, for a limited time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text

from indexer.errors import LeaseLost
from indexer.gallery_jobs import run as runs
from indexer.gallery_jobs.clustering.run import ClusteringRun
from indexer.records import galleries
from indexer.records.clusterings import faces
from indexer.records.clusterings.faces import count
from indexer.records.database.session import Database, Session, Timeouts
from tests.integration.people.album import CLUSTERINGS, Album
from tests.integration.people.conftest import People
from tests.support.home import wait_for

IMPATIENT = Timeouts(lock_seconds=0.05, statement_seconds=5, idle_seconds=60)


@pytest.fixture
def album(people: People) -> Album:
    return Album(people)


@pytest.fixture
def run(album: Album, migrated: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusteringRun]:
    """Of a clustering that would join two faces."""
    monkeypatch.setattr(runs, "PAUSE_SECONDS", 0.05)
    album.several(1, 2)
    run = album.claimed("here")
    database = Database(migrated, timeouts=IMPATIENT)
    yield replace(run, index_store=replace(run.index_store, database=database))
    database.close()


@pytest.fixture
def holder(album: Album, run: ClusteringRun) -> Iterator[Session]:
    """Holds the gallery's lock until the end of its transaction."""
    with Session(album.people.database.engine) as session:
        galleries.lock(session, run.job.gallery_id)
        yield session


def waits(album: Album, run: ClusteringRun) -> bool:
    return "waiting for others" in (album.get(str(run.job.id))["step"] or "")


def test_a_clustering_waits_while_others_hold_the_gallery_and_then_joins(
    album: Album, run: ClusteringRun, holder: Session
) -> None:
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run.run)
        wait_for(lambda: waits(album, run), 20)
        holder.rollback()
        done = running.result(30)

    assert (done.state, done.figures["joined"]) == ("done", 1)
    assert done.attempts == 1, "to wait is no attempt"
    assert album.get(str(done.id))["step"] is None


def test_a_clustering_that_waits_too_long_has_failed_and_says_why(
    album: Album, run: ClusteringRun, holder: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "PATIENCE_SECONDS", 0.3)

    done = run.run()

    assert done.state == "failed"
    assert done.problem
    assert done.figures["joined"] == 0


def test_a_clustering_that_waits_can_be_cancelled(album: Album, run: ClusteringRun, holder: Session) -> None:
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run.run)
        wait_for(lambda: waits(album, run), 20)
        album.people.client.post(f"{CLUSTERINGS}/{run.job.id}/cancel").raise_for_status()
        with pytest.raises(LeaseLost):
            running.result(30)

    assert album.get(str(run.job.id))["state"] == "cancelled"


def test_the_faces_of_a_gallery_are_counted_without_a_limit_of_time(
    run: ClusteringRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A very large gallery takes longer than other statements may."""
    limits: list[str | None] = []

    def counted(session: Session, gallery_id: UUID) -> tuple[int, int]:
        limits.append(session.scalar(text("SHOW statement_timeout")))
        return count(session, gallery_id)

    monkeypatch.setattr(faces, "count", counted)
    assert run.run().state == "done"
    assert limits == ["0"]
