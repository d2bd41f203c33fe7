"""A worker is killed at each step of a clustering. The next one does the rest, and every index follows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.gallery_jobs import jobs
from indexer.records.gallery_jobs.kinds import CLUSTERING
from indexer.usecases.enrol import NewIdentity
from tests.support.faults.clustering_worker import killed_at, work
from tests.support.faults.node import FURTHER, GALLERY, Node, embedding

PEOPLE = 3
PICTURES = 4


@pytest.fixture
def node(database: Database, migrated: str, tmp_path: Path) -> Iterator[Node]:
    """With a gallery of three people's faces, that nobody has named."""
    node = Node(migrated, tmp_path / "home", keeping=False)
    with node.database.transaction() as session:
        galleries.create(session, GALLERY)
    for number in range(PICTURES):
        for person in range(PEOPLE):
            image = str(person + number * FURTHER).encode()
            node.enroller.create(GALLERY, NewIdentity(anonymous=True), [image])
    yield node
    node.close()


@pytest.mark.parametrize(
    "step",
    [
        "indexer.gallery_jobs.clustering.run:find_groups:before",
        "indexer.gallery_jobs.clustering.run:find_groups:after",
        "indexer.gallery_jobs.clustering.join:log_moved:before",
        "indexer.gallery_jobs.clustering.join:log_moved:after:2",
        "indexer.records.clusterings.joining:record_merges:after:3",
        "indexer.records.gallery_jobs.jobs:done:before",
        "indexer.records.gallery_jobs.jobs:done:after",
    ],
)
def test_after_kill_minus_9_the_next_worker_does_the_rest(
    node: Node, migrated: str, tmp_path: Path, step: str
) -> None:
    with node.database.transaction() as session:
        options = {"threshold": 0.6, "join_groups": False, "join_named": False, "dry_run": False}
        job = jobs.create(session, galleries.get(session, GALLERY), CLUSTERING, options)
    killed_at(step, migrated, tmp_path / "other")
    assert not work(node), "the killed worker's lease has not ended"
    with node.database.transaction() as session:
        session.execute(text("UPDATE gallery_job SET leased_until = now()"))

    assert work(node)

    with node.database.reading() as session:
        row = jobs.get(session, job.gallery_id, CLUSTERING, job.id)
        sizes = session.scalars(
            text("SELECT count(*) FROM face JOIN identity ON identity.id = identity_id GROUP BY identity_id")
        ).all()
        merges = session.scalar(text("SELECT count(*) FROM person_change"))
    assert (row.state, row.attempts) == ("done", 2)
    assert sizes == [PICTURES] * PEOPLE
    assert merges == PEOPLE * (PICTURES - 1), "each join is recorded once"
    owners = set()
    for person in range(PEOPLE):
        found = node.identifier.search(GALLERY, embedding(person).tolist()).candidates
        owners.add(found[0].owner.identity_id)
        assert found[0].person.faces == PICTURES, "its template is the mean of all"
    assert len(owners) == PEOPLE
    verified = node.verify()
    assert verified.people_without_template == verified.leftover_templates == 0


@pytest.mark.parametrize(
    "step",
    [
        "indexer.gallery_jobs.clustering.undo:log_moved:before:2",
        "indexer.gallery_jobs.clustering.undo:log_moved:after:3",
        "indexer.records.gallery_jobs.jobs:done:before",
    ],
)
def test_after_kill_minus_9_the_next_worker_undoes_the_rest(
    node: Node, migrated: str, tmp_path: Path, step: str
) -> None:
    options = {"threshold": 0.6, "join_groups": False, "join_named": False, "dry_run": False}
    with node.database.transaction() as session:
        job = jobs.create(session, galleries.get(session, GALLERY), CLUSTERING, options)
    assert work(node)
    with node.database.transaction() as session:
        jobs.begin_undo(session, galleries.get(session, GALLERY), job.id)
    killed_at(step, migrated, tmp_path / "other")
    with node.database.transaction() as session:
        session.execute(text("UPDATE gallery_job SET leased_until = now()"))

    assert work(node)

    with node.database.reading() as session:
        row = jobs.get(session, job.gallery_id, CLUSTERING, job.id)
        sizes = session.scalars(
            text("SELECT count(*) FROM face JOIN identity ON identity.id = identity_id GROUP BY identity_id")
        ).all()
        events = session.scalar(
            text(
                "SELECT count(*) FROM audit_event WHERE action = 'change.undone'"
                " AND details->>'clustering' = :id"
            ),
            {"id": str(job.id)},
        )
    joined = PEOPLE * (PICTURES - 1)
    assert (row.state, row.attempts, row.figures["undone"]) == ("undone", 2, joined)
    assert sizes == [1] * (PEOPLE * PICTURES)
    assert events == joined, "each is undone once"
    verified = node.verify()
    assert verified.people_without_template == verified.leftover_templates == 0
