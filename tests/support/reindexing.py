"""An operator of a re-index, and requests during it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update

from indexer.embedding.card import ModelCard
from indexer.embedding.catalog import dlib_resnet, sface
from indexer.records import galleries, reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.records.tables import Embedding, Gallery, Model, Reindex, ReindexChunk
from indexer.reindex import control, status
from indexer.reindex import plan as plans
from indexer.reindex.worker import Worker
from indexer.replica import status as index_status
from indexer.replica import verification
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from tests.support.home import wait_for

OLD, NEW = sface(mirror=True), dlib_resnet(mirror=True)
PATH = "/v1/galleries/staff"


def newest_state(database: Database) -> str:
    """Of the newest job. A command would take seconds to say it."""
    with database.reading() as session:
        return session.scalars(select(Reindex.state).order_by(Reindex.created_at.desc())).first() or ""


def expire_leases(database: Database) -> None:
    """As half a minute after a worker was killed."""
    past = func.now() - text("interval '1 s'")
    with database.transaction() as session:
        session.execute(update(ReindexChunk).where(ReindexChunk.done_at.is_(None)).values(leased_until=past))
        session.execute(update(Reindex).values(leased_until=past))


class Operator:
    """Starts jobs and works on them."""

    def __init__(self, settings: Settings, database: Database, factory: Any, *, name: str = "staff") -> None:
        """`name`: of the gallery."""
        self.name = name
        self.settings = settings
        self.database = database
        self.index_store = IndexStore.of(settings, database, OLD)
        self.factory = factory

    def gallery(self) -> Gallery:
        with self.database.reading() as session:
            return galleries.get(session, self.name)

    def plan(self, to: ModelCard = NEW) -> plans.Plan:
        return plans.make(self.settings, self.index_store, self.gallery(), self.factory.pipeline(to))

    def start(self, to: ModelCard = NEW, **how: Any) -> Job:
        """With a criterion that a small gallery can meet: rates need more people."""
        plan = how.pop("plan", None) or self.plan(to)
        how.setdefault("gates", ("skipped<=0",))
        return control.start(self.database, self.index_store.models, self.gallery(), to, plan, **how)

    def job(self, job: Job) -> Job:
        with self.database.reading() as session:
            return reindexes.get(session, job.row.id)

    def events(self, job: Job) -> list[str]:
        with self.database.reading() as session:
            return [event.text for event in reindexes.events(session, job.row.id)]

    def work(self, job: Job) -> Job:
        """Until the job waits for an operator or ends."""
        Worker(self.index_store, self.factory).run(until=lambda: status.waits_or_ended(self.job(job)))
        return self.job(job)

    def embeddings(self, fingerprint: str) -> int:
        with self.database.reading() as session:
            counted = select(func.count()).select_from(Embedding).join(Model)
            return session.scalar(counted.where(Model.fingerprint == fingerprint)) or 0

    def clean(self) -> bool:
        """The result of `gemel index verify`."""
        every = index_status.stores_of(self.index_store, [self.gallery()])
        return all(verification.verify(index_store, gallery).clean for gallery, index_store in every)


def enrol(client: TestClient, name: str, image: bytes) -> str:
    answer = client.post(f"{PATH}/identities", files={"images": image}, data={"name": name})
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


def who(client: TestClient, image: bytes) -> tuple[str, str]:
    """Name and model."""
    answer = client.post(f"{PATH}/identify", files={"image": image})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["faces"][0]["candidates"][0]["identity"]["name"], body["model"]


def answered_by(answers: list[tuple[str, str]], model: str) -> None:
    """Waits until the newest of `answers`, as `asked_all_the_time` gives them, is by the model."""
    wait_for(lambda: answers and answers[-1][1] == model)


@contextmanager
def asked_all_the_time(client: TestClient, image: bytes) -> Iterator[list[tuple[str, str]]]:
    """The answers, in order, at least one; a failed request is among them. The index is open when the block
    begins."""
    wait_for(lambda: client.post(f"{PATH}/identify", files={"image": image}).status_code == 200)
    answers: list[tuple[str, str]] = []
    ending = threading.Event()

    def ask() -> None:
        while not ending.is_set():
            try:
                answers.append(who(client, image))
            except AssertionError as error:
                answers.append(("failed", str(error)))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
        wait_for(lambda: answers)
    finally:
        ending.set()
        asking.join()
