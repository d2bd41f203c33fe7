"""A worker waits for shards by the new model, of a gallery that no process may have as a whole."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from benchmarks import face_vectors
from indexer.calibration.fitting.measure import on_gallery
from indexer.index import snapshots
from indexer.records import changes, galleries, models, shard_sets
from indexer.records.database.session import Database
from indexer.records.enrolled import faces
from indexer.records.reindexes import Job
from indexer.records.tables import Identity
from indexer.reindex import control, status, steps
from indexer.reindex.comparison import compare
from indexer.reindex.worker import Worker
from indexer.settings import Settings
from indexer.types import ChangeKind, Part, PersonScore
from tests.support import strangers
from tests.support.enrolments import enrolment
from tests.support.reindexing import NEW, OLD, Operator

PEOPLE = 8


@pytest.fixture
def large(operator: Operator) -> Operator:
    """Of the gallery `large`, whose set of four shards by the old model serves."""
    operator.name = "large"
    with operator.database.transaction() as session:
        gallery = galleries.create(session, "large")
        session.flush()
        begun = shard_sets.begin(session, gallery.id, OLD.fingerprint, shards=4, copies=2, block=1)
        shard_sets.activate(session, begun.id)
    strangers.enrol(operator.database, "large", PEOPLE, also=NEW)
    return operator


def add_photographs(operator: Operator) -> None:
    """A second one of everybody, for both models."""
    near = face_vectors.gallery(PEOPLE, 0) + 0.6 * face_vectors.gallery(PEOPLE, 1)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    with operator.database.transaction() as session:
        gallery = galleries.lock(session, operator.gallery().id)
        numbers = {one.fingerprint: models.register(session, one.fingerprint, 128) for one in (OLD, NEW)}
        people = session.scalars(
            select(Identity.id).where(Identity.gallery_id == gallery.id).order_by(Identity.number)
        ).all()
        keys = []
        for place, (person, vector) in enumerate(zip(people, near, strict=True)):
            both = {OLD.fingerprint: vector, NEW.fingerprint: strangers.alike(vector)}
            added = faces.add(session, person, [enrolment(1_000 + place, both)], numbers)
            keys += [one.key for one in added]
        changes.append(session, gallery.id, ChangeKind.ENROL, keys)


def rounded(value: Any) -> Any:
    """Each number to five digits: a product of matrices depends on their shapes in the last one."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 5) if isinstance(value, float) else value


def worker(operator: Operator) -> Worker:
    return Worker(operator.index_store, operator.factory, least_sharded_faces=PEOPLE)


def stop_when_waiting(operator: Operator, job: Job) -> None:
    """Works until the job waits for shards."""
    worker(operator).run(until=lambda: operator.events(job)[-1].startswith("waits for shards"))


def sets_by_new(operator: Operator) -> list[str]:
    with operator.database.reading() as session:
        every = shard_sets.in_use(session, [operator.gallery().id])
        return [one.state for one in every if one.model == NEW.fingerprint]


def test_a_job_that_waits_for_shards_says_so_and_holds_up_no_other_job(
    large: Operator, settings: Settings, database: Database
) -> None:
    job = large.start()
    with database.transaction() as session:
        galleries.create(session, "small")
    strangers.enrol(database, "small", 3, also=NEW)
    small = Operator(settings, database, large.factory, name="small")
    other = small.start()

    worker(large).run(until=lambda: status.waits_or_ended(small.job(other)))

    assert small.job(other).row.state == "ready"
    assert large.job(job).row.state == "building"
    assert sets_by_new(large) == ["building"]
    [waits] = [event for event in large.events(job) if event.startswith("waits for shards")]
    assert "no copy of a shard has started: the Ray cluster is away" in waits
    assert snapshots.models(large.index_store.root, large.gallery().id) == set()


def test_a_job_stops_with_the_reason_if_no_shards_come_and_continues_once_they_serve(
    large: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STUCK_SECONDS", 0.0)
    job = large.start()

    worker(large).run(until=lambda: status.waits_or_ended(large.job(job)))

    problem = large.job(job).row.problem
    assert problem is not None
    assert problem.startswith("building: waits for shards: no copy of a shard has started")

    control.resume(large.database, job.row.id)
    with large.database.transaction() as session:
        new = shard_sets.building(session, large.gallery().id, NEW.fingerprint)
        assert new is not None
        shard_sets.activate(session, new.id)
    worker(large).run(until=lambda: status.waits_or_ended(large.job(job)))
    assert large.job(job).row.state == "ready"
    assert "built and verified 4 shards, 2 copies of each" in large.events(job)


@pytest.mark.parametrize("score", list(PersonScore))
def test_a_gallery_that_is_read_part_by_part_is_compared_as_a_whole_one(
    large: Operator, monkeypatch: pytest.MonkeyPatch, score: PersonScore
) -> None:
    add_photographs(large)
    job = large.start()
    job.gallery.person_score = score
    whole = compare.compare_models(large.database, job)
    parts = Part.every(3, 2)

    assert rounded(compare.compare_models(large.database, job, parts)) == rounded(whole)
    assert whole["faces"] == 2 * PEOPLE
    assert whole["old"]["mated"] == 2 * PEOPLE
    monkeypatch.setattr(compare, "MAX_PROBES", PEOPLE)
    sampled = compare.compare_models(large.database, job, parts)
    assert PEOPLE <= sampled["probes"] <= PEOPLE + len(parts)
    assert sampled["faces"] == 2 * PEOPLE


def test_a_cancelled_job_ends_the_new_models_shards(large: Operator) -> None:
    job = large.start()
    stop_when_waiting(large, job)
    assert sets_by_new(large) == ["building"]

    control.cancel(large.database, job.row.id)
    worker(large).run(until=lambda: status.waits_or_ended(large.job(job)))

    assert large.job(job).row.state == "cancelled"
    assert sets_by_new(large) == []


def test_the_plan_counts_one_shard_and_not_the_whole_index(large: Operator) -> None:
    """Where this process uses a Ray cluster; else it would have the whole index."""
    clustered = large.settings.model_copy(update={"cluster": "127.0.0.1:1"})
    whole = large.plan()
    large.settings = clustered
    part = large.plan()
    assert (whole.shards, part.shards) == (1, 4)
    assert part.new_index_bytes * 4 == whole.new_index_bytes
    assert part.index_bytes * 4 == whole.index_bytes


def test_a_worker_without_a_ray_cluster_ignores_a_set_of_which_no_copy_lives(large: Operator) -> None:
    """The operators have gone back to whole indexes."""
    job = large.start()
    assert large.work(job).row.state == "ready"
    assert sets_by_new(large) == []


def test_a_model_is_calibrated_on_the_people_of_one_part(database: Database) -> None:
    with database.transaction() as session:
        galleries.create(session, "sampled")
    strangers.enrol(database, "sampled", 250)
    part = Part(shard=1, shards=2, block=8)
    with database.reading() as session:
        gallery = galleries.get(session, "sampled")
        numbers = session.scalars(select(Identity.number).where(Identity.gallery_id == gallery.id)).all()
    assert gallery.model_id is not None
    how = (database, gallery.id, gallery.model_id, strangers.CARD, PersonScore.NEAREST)

    sample, whole = on_gallery(*how, part).curve, on_gallery(*how).curve

    assert sample.identities == part.holds(np.array(numbers)).sum() < whole.identities == 250
    assert sample.threshold(0.1, 250) == pytest.approx(whole.threshold(0.1, 250), abs=0.05)
