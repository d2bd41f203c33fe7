"""Searches for duplicates over HTTP: which pairs get a review, and how a search ends."""

import json
from collections.abc import Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from indexer.duplicates import sharded_pairs
from indexer.errors import IndexNotReady, LeaseLost
from indexer.gallery_jobs.duplicates import DuplicateSearchRun
from indexer.index.live import LiveIndex
from indexer.records import galleries, shard_sets
from indexer.records.database.session import Session
from indexer.records.enrolled.parts.people import count_people
from indexer.records.gallery_jobs import jobs, leases
from indexer.records.gallery_jobs.kinds import DUPLICATE_SEARCH
from indexer.records.tables import Gallery, GalleryJob
from indexer.replica.store import IndexStore
from indexer.types import NearPerson, Vectors
from tests.integration.people.album import Album
from tests.integration.people.conftest import GALLERY, PATH, People
from tests.support.asking import assert_problem
from tests.support.home import wait_for

SEARCHES = f"{PATH}/duplicate-searches"


class Searches:
    """Of a gallery where Ann is enrolled twice and Bea once."""

    def __init__(self, people: People) -> None:
        self.client = people.client
        self.people = people
        album = Album(people)
        self.first = album.add(1, 0, name="Ann")
        self.second = album.add(1, 1, name="Ann B.")
        self.other = album.add(2, 0, name="Bea")

    def get(self, id: str | UUID) -> dict[str, Any]:
        return dict(self.client.get(f"{SEARCHES}/{id}").raise_for_status().json())

    def done(self, **body: Any) -> dict[str, Any]:
        answer = self.client.post(SEARCHES, json=body)
        assert answer.status_code == 201, answer.text
        id = answer.json()["id"]
        wait_for(lambda: self.get(id)["ended_at"] is not None, 30)
        return self.get(id)

    def reviews(self) -> list[dict[str, Any]]:
        return list(self.client.get(f"{PATH}/reviews").raise_for_status().json()["reviews"])

    def created(self, worker: str | None) -> GalleryJob:
        with self.people.database.transaction() as session:
            gallery = galleries.get(session, GALLERY)
            return jobs.create(session, gallery, DUPLICATE_SEARCH, {"fpir": None}, worker=worker)

    def run(self, job: GalleryJob, worker: str) -> DuplicateSearchRun:
        engine = self.people.engine
        return DuplicateSearchRun(
            index_store=engine.index_store, calibrations=engine.calibrations, worker=worker, job=job
        )


@pytest.fixture
def searches(people: People) -> Iterator[Searches]:
    yield Searches(people)
    for one in people.client.get(SEARCHES).json()["duplicate_searches"]:
        if one["ended_at"] is None:
            people.client.post(f"{SEARCHES}/{one['id']}/cancel").raise_for_status()


def test_a_pair_that_is_enrolled_twice_gets_one_review_however_often_one_searches(searches: Searches) -> None:
    done = searches.done()

    assert (done["state"], done["problem"], done["fpir"]) == ("done", None, None)
    figures = done["figures"]
    assert (figures["people"], figures["faces"], figures["compared"]) == (3, 3, 3)
    assert (figures["pairs"], figures["reviews"]) == (1, 1)
    assert figures["expected_false_pairs"] == pytest.approx(3 * figures["fpir"] / 2, abs=1e-4)
    [review] = searches.reviews()
    assert (review["kind"], review["state"]) == ("duplicate", "open")
    assert (review["identity_id"], review["other_id"]) == (str(searches.second), str(searches.first))
    assert review["threshold"] == pytest.approx(done["used_threshold"], abs=1e-4)

    again = searches.done()
    assert (again["figures"]["pairs"], again["figures"]["reviews"]) == (1, 0)
    listed = searches.client.get(SEARCHES).json()["duplicate_searches"]
    assert [one["id"] for one in listed] == [again["id"], done["id"]]


class Shards:
    """Stands for those of a Ray cluster, with the gallery's whole index behind it. The calls whose numbers
    are in `away` are not answered."""

    def __init__(self, away: Container[int]) -> None:
        self._away = away
        self._calls = count()

    def answer(self) -> None:
        if next(self._calls) in self._away:
            raise IndexNotReady("the shards do not answer")

    def open_for_job(self, gallery: Gallery, store: IndexStore, _: float) -> Any:
        self.answer()
        return IndexInShards(self, store.open(gallery.id).index)


class IndexInShards:
    def __init__(self, shards: Shards, whole: LiveIndex) -> None:
        self._shards = shards
        self._whole = whole
        self.faces = whole.faces

    def search_identities(self, probes: Vectors, k: int) -> list[list[NearPerson]]:
        self._shards.answer()
        return self._whole.search_identities(probes, k)


@pytest.fixture
def in_shards(searches: Searches, monkeypatch: pytest.MonkeyPatch) -> Searches:
    """Its gallery has a set of shards, as the database knows it."""
    monkeypatch.setattr(sharded_pairs, "PAUSE_SECONDS", 0.01)
    with searches.people.database.transaction() as session:
        gallery = galleries.get(session, GALLERY)
        model = searches.people.engine.pipeline.card.fingerprint
        made = shard_sets.begin(session, gallery.id, model, shards=1, copies=1, block=4)
        shard_sets.activate(session, made.id)
    return searches


def attempts(searches: Searches, id: str) -> int:
    with searches.people.database.reading() as session:
        return session.scalars(select(GalleryJob.attempts).where(GalleryJob.id == UUID(id))).one()


@pytest.mark.parametrize("patience_seconds", [60, 0])
def test_a_search_waits_for_shards_that_are_away(
    in_shards: Searches, monkeypatch: pytest.MonkeyPatch, patience_seconds: int
) -> None:
    """The first two calls open the index, and the fourth one searches it. Without patience the worker begins
    the search again, however often."""
    worker = in_shards.client.app.state.job_worker  # type: ignore[attr-defined]
    monkeypatch.setattr(worker, "_shards", Shards({0, 1, 3, 4}))
    monkeypatch.setattr(sharded_pairs, "PATIENCE_SECONDS", patience_seconds)

    done = in_shards.done()

    assert (done["state"], done["problem"], done["figures"]["pairs"]) == ("done", None, 1)
    assert attempts(in_shards, done["id"]) == 1, "to wait is no attempt"
    assert len(in_shards.reviews()) == 1


def test_a_search_that_waits_for_shards_can_be_cancelled(in_shards: Searches) -> None:
    job = in_shards.created("here")
    run = replace(in_shards.run(job, "here"), shards=Shards(range(2**62)))
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run.run)
        wait_for(lambda: "waiting for shards" in (in_shards.get(job.id)["step"] or ""), 30)
        in_shards.client.post(f"{SEARCHES}/{job.id}/cancel").raise_for_status()
        with pytest.raises(LeaseLost):
            running.result(30)


def test_the_people_of_a_gallery_in_shards_are_counted_without_a_limit_of_time(
    in_shards: Searches, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[str | None] = []

    def counted(session: Session, gallery_id: UUID, *, most: int) -> int:
        limits.append(session.scalar(text("SHOW statement_timeout")))
        return count_people(session, gallery_id, most=most)

    monkeypatch.setattr(sharded_pairs, "count_people", counted)
    run = replace(in_shards.run(in_shards.created("here"), "here"), shards=Shards(()))
    assert run.run().state == "done"
    assert limits == ["0"]


def test_a_smaller_fpir_raises_the_threshold(searches: Searches) -> None:
    strict, lenient = searches.done(fpir=1e-6), searches.done(fpir=0.1)

    assert (strict["figures"]["fpir"], lenient["figures"]["fpir"]) == (1e-6, 0.1)
    assert strict["used_threshold"] > lenient["used_threshold"]


def test_people_who_are_known_to_be_different_get_no_review(searches: Searches) -> None:
    searches.done()
    [review] = searches.reviews()
    searches.people.post(f"reviews/{review['id']}/different").raise_for_status()

    done = searches.done()

    assert (done["figures"]["pairs"], done["figures"]["reviews"]) == (0, 0)


def test_two_people_without_names_get_no_review_but_one_with_a_name_does(searches: Searches) -> None:
    """Which unnamed faces are one person is a question for a clustering."""
    album = Album(searches.people)
    unnamed = [album.add(2, 1), album.add(2, 2)]

    done = searches.done()

    pairs = {frozenset((review["identity_id"], review["other_id"])) for review in searches.reviews()}
    assert pairs == {
        frozenset((str(searches.first), str(searches.second))),
        *(frozenset((str(searches.other), str(one))) for one in unnamed),
    }
    assert done["figures"]["pairs"] == 3


def test_an_empty_gallery_has_no_duplicates(people: People) -> None:
    id = people.client.post(SEARCHES, json={}).raise_for_status().json()["id"]
    wait_for(lambda: people.client.get(f"{SEARCHES}/{id}").json()["state"] == "done", 30)
    assert people.client.get(f"{SEARCHES}/{id}").json()["figures"]["pairs"] == 0


def test_a_gallery_has_one_search_at_a_time(searches: Searches) -> None:
    searches.created("elsewhere")

    assert_problem(searches.client.post(SEARCHES, json={}), 409, "duplicate_search_exists")


def test_a_cancelled_search_adds_no_review(searches: Searches) -> None:
    job = searches.created("elsewhere")
    cancelled = searches.client.post(f"{SEARCHES}/{job.id}/cancel").raise_for_status().json()
    assert cancelled["state"] == "cancelled"

    with pytest.raises(LeaseLost):
        searches.run(job, "elsewhere").run()

    assert searches.reviews() == []
    again = searches.client.post(f"{SEARCHES}/{job.id}/cancel").raise_for_status().json()
    assert again["state"] == "cancelled"
    done = searches.done()
    assert_problem(searches.client.post(f"{SEARCHES}/{done['id']}/cancel"), 409, "duplicate_search_state")


def test_a_search_whose_process_was_killed_is_done_by_the_next(searches: Searches) -> None:
    job = searches.created("killed")
    database = searches.people.database
    with database.transaction() as session:
        session.execute(text("UPDATE gallery_job SET leased_until = now() - interval '1 s'"))

    wait_for(lambda: searches.get(job.id)["ended_at"] is not None, 30)

    assert (searches.get(job.id)["state"], len(searches.reviews())) == ("done", 1)
    with pytest.raises(LeaseLost):
        searches.run(job, "killed").run()


def test_a_search_that_killed_its_process_three_times_has_failed(searches: Searches) -> None:
    job = searches.created("killed")
    with searches.people.database.transaction() as session:
        session.execute(
            text("UPDATE gallery_job SET leased_until = now() - interval '1 s', attempts = :most"),
            {"most": leases.MAX_ATTEMPTS},
        )

    wait_for(lambda: searches.get(job.id)["ended_at"] is not None, 30)

    failed = searches.get(job.id)
    assert failed["state"] == "failed"
    assert "ended 3 times" in failed["problem"]
    assert searches.reviews() == []


def test_a_pair_that_was_merged_meanwhile_gets_no_review(searches: Searches) -> None:
    """Between the comparison and the writing."""
    run = searches.run(searches.created("here"), "here")
    merges: list[object] = []

    def merge(figures: Mapping[str, Any]) -> None:
        if "pairs" in figures and not merges:
            merges.append(searches.people.merge(searches.first, searches.second))

    run.observe = merge
    done = run.run()

    assert (done.state, done.figures["pairs"], done.figures["reviews"]) == ("done", 1, 0)


def test_jobs_that_are_open_and_those_that_have_ended_are_metrics(searches: Searches) -> None:
    """The gauges as the database has them; seconds and failures of this process."""

    def metrics() -> dict[str, float]:
        lines = searches.client.get("/metrics").text.splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines)
            if name.startswith("gemel_job_")
        }

    def ended(state: str) -> float:
        return metrics().get(f'gemel_job_seconds_count{{kind="duplicate_search",state="{state}"}}', 0)

    done, failed = ended("done"), ended("failed")
    searches.done()
    assert (ended("done"), ended("failed")) == (done + 1, failed)

    job = searches.created("elsewhere")
    labels = f'{{gallery="{GALLERY}",kind="duplicate_search"}}'
    figures = json.dumps({"faces": 3, "compared": 2})
    with searches.people.database.transaction() as session:
        session.execute(
            text("UPDATE gallery_job SET figures = :figures WHERE id = :id"),
            {"figures": figures, "id": job.id},
        )
    shown = metrics()
    assert shown["gemel_job_running" + labels] == 1
    assert shown["gemel_job_running_seconds" + labels] > 0
    assert (shown["gemel_job_faces" + labels], shown["gemel_job_faces_done" + labels]) == (3, 2)

    with searches.people.database.transaction() as session:
        session.execute(text("UPDATE gallery_job SET leased_until = now(), attempts = 3"))
    wait_for(lambda: ended("failed") == failed + 1, 30)
    assert "gemel_job_running" + labels not in metrics()


@pytest.mark.parametrize("fpir", [0, -1, 0.6, "x"])
def test_an_fpir_out_of_range_is_rejected(people: People, fpir: object) -> None:
    assert_problem(people.client.post(SEARCHES, json={"fpir": fpir}), 422, "invalid_request")


def test_an_unknown_search_is_not_found(people: People) -> None:
    for method, path in (("GET", ""), ("POST", "/cancel")):
        answer = people.client.request(method, f"{SEARCHES}/{uuid4()}{path}")
        assert_problem(answer, 404, "duplicate_search_not_found")


def test_a_clustering_is_no_search_for_duplicates(people: People) -> None:
    id = people.client.post(f"{PATH}/clusterings", json={}).raise_for_status().json()["id"]
    assert_problem(people.client.get(f"{SEARCHES}/{id}"), 404, "duplicate_search_not_found")
    wait_for(lambda: people.client.get(f"{PATH}/clusterings/{id}").json()["ended_at"] is not None, 30)
