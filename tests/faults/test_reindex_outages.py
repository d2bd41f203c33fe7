"""PostgreSQL, a server or the disk fails during a re-index."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from indexer.embedding.catalog import dlib_resnet, sface
from indexer.records import embedded, galleries, reindexes
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.records.tables import Embedding
from indexer.reindex import control, embed, status
from indexer.reindex import plan as plans
from indexer.reindex.worker import Worker
from indexer.replica import verification
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_engine, open_pipeline_factory
from indexer.usecases.enrol import NewIdentity
from tests.support.faults.postgresql import pg_ctl, restart
from tests.support.home import Home, wait_for
from tests.support.pictures import jpeg, pixels
from tests.support.reindexing import newest_state

OLD, NEW = sface(mirror=True), dlib_resnet(mirror=True)
PEOPLE = 6
ROOT = Path(__file__).parents[2]
FULL = """
import sys
from uuid import UUID
from indexer.embedding.catalog import sface
from indexer.reindex.worker import Worker
from indexer.usecases.bootstrap import open_pipeline_factory
from indexer.replica.store import IndexStore
from indexer.reindex import status
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.settings import Settings
from tests.support.faults import full_disk

settings = Settings()
database = Database(settings.database_url)

def rests():
    with database.reading() as session:
        return status.waits_or_ended(reindexes.get(session, UUID(sys.argv[1])))

with open_pipeline_factory(settings) as factory:
    full_disk.fill(1_000)
    Worker(IndexStore.of(settings, database, sface(mirror=True)), factory).run(until=rests)
"""
"""A worker that cannot write a file of more than 1,000 bytes."""


def enrol(settings: Settings, image: bytes) -> None:
    with open_engine(settings) as engine, engine.database.transaction() as session:
        galleries.create(session, "staff")
    with open_engine(settings) as engine:
        for number in range(PEOPLE):
            picture = jpeg(pixels(image), 60 + number)
            engine.enroller.create("staff", NewIdentity(name=f"Grace {number}"), [picture])


@contextmanager
def a_job(settings: Settings, database: Database) -> Iterator[tuple[Job, IndexStore, Any]]:
    index_store = IndexStore.of(settings, database, OLD)
    with database.reading() as session:
        gallery = galleries.get(session, "staff")
    with open_pipeline_factory(settings) as factory:
        plan = plans.make(settings, index_store, gallery, factory.pipeline(NEW))
        yield (
            control.start(database, index_store.models, gallery, NEW, plan, gates=()),
            index_store,
            factory,
        )


def now(database: Database, job: Job) -> Job:
    with database.reading() as session:
        return reindexes.get(session, job.row.id)


class Halt:
    """Holds the workers of this process before the second chunk that they embed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at_the_second, self.go_on = threading.Event(), threading.Event()
        real = embed.embed_chunk
        chunks: list[Any] = []

        def embed_chunk(loaded: Any) -> Any:
            chunks.append(loaded)
            if len(chunks) == 2:
                self.at_the_second.set()
                assert self.go_on.wait(60)
            return real(loaded)

        monkeypatch.setattr(embed, "embed_chunk", embed_chunk)


@pytest.mark.parametrize("how", ["immediate", "killed"])
def test_a_job_survives_a_restart_of_postgresql_while_faces_are_embedded(
    tmp_path: Path, hopper: bytes, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(control, "CHUNK", 2)
    home = tmp_path / "home"
    settings = Settings(home=home, database_url=embedded.start(home))
    database = Database(str(settings.database_url))
    schema.migrate(database)
    try:
        enrol(settings, hopper)
        with a_job(settings, database) as (job, index_store, factory):
            halt = Halt(monkeypatch)
            worker = Worker(index_store, factory)
            working = threading.Thread(
                target=worker.run, kwargs={"until": lambda: status.waits_or_ended(now(database, job))}
            )
            working.start()
            assert halt.at_the_second.wait(60)
            restart(home, how)
            halt.go_on.set()
            working.join(120)
            assert not working.is_alive()
        with database.reading() as session:
            gallery = galleries.get(session, "staff")
            progress = reindexes.progress_of(session, job.row.id)
            made = session.scalar(
                select(func.count()).select_from(Embedding).where(Embedding.model_id == job.row.to_model_id)
            )
        assert (now(database, job).row.state, now(database, job).row.problem) == ("ready", None)
        assert (progress.done, progress.embedded, progress.skipped, made) == (PEOPLE, PEOPLE, 0, PEOPLE)
        assert verification.verify(index_store.of_model(NEW), gallery).clean
    finally:
        database.close()
        pg_ctl(home, "stop", "-m", "immediate")
        embedded.stop(home)


def test_a_full_disk_stops_the_job_and_resume_continues_it(
    settings: Settings, database: Database, hopper: bytes
) -> None:
    enrol(settings, hopper)
    with a_job(settings, database) as (job, index_store, factory):
        full = subprocess.run(
            [sys.executable, "-c", FULL, str(job.row.id)],
            env={
                "GEMEL_DATABASE_URL": str(settings.database_url),
                "GEMEL_HOME": str(settings.home),
                "PYTHONPATH": str(ROOT),
            },
            capture_output=True,
            text=True,
        )
        assert full.returncode == 0, full.stderr
        stopped = now(database, job)
        with open_engine(settings) as engine:
            [face] = engine.identifier.identify("staff", hopper).faces
        control.resume(database, job.row.id)
        Worker(index_store, factory).run(until=lambda: status.waits_or_ended(now(database, job)))

    assert stopped.row.problem is not None
    assert "File too large" in stopped.row.problem
    assert face.candidates[0].matched, "the old index still serves"
    assert now(database, job).row.state == "ready"
    assert now(database, job).row.problem is None


@pytest.fixture
def home(tmp_path: Path, migrated_cluster: Path, hopper: bytes) -> Iterator[Home]:
    """With a gallery of one person and two faces."""
    people = tmp_path / "people" / "Grace_Hopper"
    people.mkdir(parents=True)
    for number in range(2):
        (people / f"{number}.jpg").write_bytes(jpeg(pixels(hopper), 60 + 10 * number))
    with Home(tmp_path, cluster=migrated_cluster) as home:
        home.run("enrol", people.parent, "--gallery", "staff")
        yield home


def test_a_server_answers_by_the_right_model_after_a_kill_in_each_state_of_a_job(
    home: Home, hopper: bytes
) -> None:
    of = ("--gallery", "staff")

    def ask_and_kill(*then: str) -> str:
        """Returns the model that answers, then runs the command and kills the server."""
        with home.server() as (base, process):
            answer = httpx2.post(
                f"{base}/v1/galleries/staff/identify", files={"image": hopper}, timeout=60
            ).json()
            assert answer["faces"][0]["candidates"][0]["identity"]["external_id"] == "Grace_Hopper"
            if then:
                home.run("reindex", *then, *of)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return str(answer["model"])

    assert ask_and_kill("start", "--to", "dlib-resnet", "--gate", "skipped<=0") == OLD.fingerprint
    assert ask_and_kill() == OLD.fingerprint, "while the job embeds"
    database = Database(home.database_url)
    with home.worker():
        wait_for(lambda: newest_state(database) == "ready", 120)
    database.close()
    assert ask_and_kill("activate", "--force", "the others were killed") == OLD.fingerprint
    assert ask_and_kill("rollback", "--force", "the others were killed") == NEW.fingerprint
    assert ask_and_kill("activate", "--force", "the others were killed") == OLD.fingerprint
    assert ask_and_kill("cleanup") == NEW.fingerprint
    assert ask_and_kill() == NEW.fingerprint
    [verified] = home.json("index", "verify", *of)
    assert verified["clean"]
    [done] = home.json("reindex", "status", *of)
    assert done["state"] == "done"
