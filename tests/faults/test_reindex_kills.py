"""A worker is killed at each of its steps; another goes on, and nothing is lost or done twice."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update

from indexer.embedding.catalog import dlib_resnet, sface
from indexer.jobs.reindex.worker import Worker
from indexer.recognition import indexing
from indexer.recognition.assembly import open_eye
from indexer.recognition.opening import Opener
from indexer.recognition.reindex import plan as planning
from indexer.recognition.reindex import status, switching
from indexer.records import galleries, reindexes
from indexer.records.models import Embedding, Reindex, ReindexChunk
from indexer.records.session import Database
from indexer.settings import Settings
from service.app import create_app

KILLED = """
import os, signal, sys
from indexer.embedding.catalog import sface
from indexer.jobs.reindex.worker import Worker
from indexer.recognition.assembly import open_eye
from indexer.recognition.opening import Opener
from indexer.records.session import Database
from indexer.settings import Settings

name, when = sys.argv[1:]
real = getattr(Worker, name)

def deadly(self, *arguments):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, *arguments)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(Worker, name, deadly)
settings = Settings()
with open_eye(settings) as eye:
    Worker(Opener.of(settings, Database(settings.database_url), sface(mirror=True)), eye).run()
"""


@pytest.mark.parametrize("step", ["_vectors", "_record", "_build", "_compare"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_workers_job_ends_as_if_nothing_had_been(
    settings: Settings,
    database: Database,
    hopper: bytes,
    collins: bytes,
    tmp_path: Path,
    step: str,
    when: str,
) -> None:
    with TestClient(create_app(settings)) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        for image in (hopper, collins):
            client.post("/v1/galleries/staff/identities", files={"images": image}).raise_for_status()
    opener = Opener.of(settings, database, sface(mirror=True))
    with database.reading() as session:
        gallery = galleries.get(session, "staff")
    with open_eye(settings) as eye:
        card = dlib_resnet(mirror=True)
        plan = planning.make(settings, opener, gallery, eye.camera(card))
        job = switching.start(database, opener.models, gallery, card, plan)

        killed = subprocess.run(
            [sys.executable, "-c", KILLED, step, when],
            env={
                "GEMEL_DATABASE_URL": str(settings.database_url),
                "GEMEL_HOME": str(settings.home),
                "PATH": "",
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        with database.transaction() as session:  # half a minute goes by
            past = func.now() - text("interval '1 s'")
            session.execute(
                update(ReindexChunk).where(ReindexChunk.done_at.is_(None)).values(leased_until=past)
            )
            session.execute(update(Reindex).values(leased_until=past))

        def rests() -> bool:
            with database.reading() as session:
                return status.resting(reindexes.get(session, job.row.id))

        Worker(opener, eye).run(until=rests)

    with database.reading() as session:
        done = reindexes.get(session, job.row.id)
        progress = reindexes.progress(session, job.row.id)
        made = session.scalar(
            select(func.count()).select_from(Embedding).where(Embedding.model_id == job.row.to_model_id)
        )
    assert (done.row.state, done.row.problem) == ("ready", None)
    assert (progress.done, progress.embedded, made) == (2, 2, 2)
    assert indexing.verify(opener.of_model(card), gallery).clean
