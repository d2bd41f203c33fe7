"""A re-index over machines: its job, what the workers have written so far, and what became of the faces."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from sqlalchemy import text

from benchmarks.machines.machine import Machine
from benchmarks.machines.network import Network
from indexer.embedding import catalog
from indexer.pipeline.pipelines import PipelineFactory
from indexer.records import galleries, reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.reindex import control
from indexer.reindex import plan as plans
from indexer.reindex.embed import embed_crops
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.usecases.bootstrap import default_card

CHUNK = 16
"""Faces that a worker claims at once: fewer than usual, because a run here is short."""
WATCH = (
    "CREATE TABLE written (at timestamptz NOT NULL DEFAULT clock_timestamp(), face_key bigint NOT NULL,"
    " model_id smallint NOT NULL, address inet)",
    "CREATE FUNCTION note_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO written (face_key, model_id, address) VALUES (NEW.face_key, NEW.model_id,"
    " inet_client_addr()); RETURN NULL; END $$",
    "CREATE TRIGGER note_written AFTER INSERT OR UPDATE ON embedding FOR EACH ROW"
    " EXECUTE FUNCTION note_written()",
)


class Sample(NamedTuple):
    at: float
    written: int
    worker_seconds: float
    """Processor time of all machines so far."""
    postgresql_seconds: float


class Reindexing:
    """One PostgreSQL with a gallery, and the jobs of it."""

    def __init__(self, home: Path, url: str, network: Network, factory: PipelineFactory, to: str) -> None:
        self.url = url
        self.home = home
        self.network = network
        self.database = Database(url)
        self.settings = Settings(home=home / "here", database_url=url)
        self.card = catalog.named(to, mirror=self.settings.mirror)
        self.factory = factory
        self.index_store = IndexStore.of(self.settings, self.database, default_card(self.settings))
        self._postmaster = psutil.Process(
            int((home / "db" / "postgresql" / "postmaster.pid").read_text().split()[0])
        )

    def start_job(self) -> Job:
        with self.database.transaction() as session:
            session.execute(text("TRUNCATE written"))
        with self.database.reading() as session:
            gallery = galleries.get(session, "staff")
        plan = plans.make(self.settings, self.index_store, gallery, self.factory.pipeline(self.card))
        control.CHUNK = CHUNK
        return control.start(
            self.database, self.index_store.models, gallery, self.card, plan, gates=["skipped<=0"]
        )

    def job(self, job: Job) -> Job:
        with self.database.reading() as session:
            return reindexes.get(session, job.row.id)

    def written(self) -> int:
        """How many embeddings have been written since the job began."""
        with self.database.reading() as session:
            return session.scalar(text("SELECT count(*) FROM written")) or 0

    def sample(self, machines: Sequence[Machine]) -> Sample:
        return Sample(
            at=time.perf_counter(),
            written=self.written(),
            worker_seconds=sum(machine.cpu_seconds for machine in machines),
            postgresql_seconds=_cpu_seconds(self._postmaster),
        )

    def addresses(self) -> set[str]:
        """Of the machines that have written so far."""
        with self.database.reading() as session:
            return set(session.scalars(text("SELECT DISTINCT host(address) FROM written")))


def outcome(reindexing: Reindexing, job: Job) -> dict[str, Any]:
    """What became of the faces of a job that is ready: lost, written twice, embedded differently."""
    row = reindexing.job(job).row
    with reindexing.database.reading() as session:
        number = row.to_model_id
        faces = session.scalar(text("SELECT count(*) FROM face"))
        missing_faces = session.scalar(
            text(
                "SELECT count(*) FROM face f WHERE NOT EXISTS (SELECT 1 FROM embedding e WHERE e.face_key ="
                " f.key AND e.model_id = :model AND e.vector IS NOT NULL)"
            ),
            {"model": number},
        )
        twice = session.scalar(
            text(
                "SELECT count(*) FROM (SELECT 1 FROM written WHERE model_id = :model AND face_key > 0"
                " GROUP BY face_key HAVING count(*) > 1) again"
            ),
            {"model": number},
        )
        chunks, claims = session.execute(
            text("SELECT count(*), sum(attempts) FROM reindex_chunk WHERE reindex_id = :job"),
            {"job": row.id},
        ).one()
    different, most = _compared(reindexing, number)
    return {
        "state": row.state,
        "faces": faces,
        "lost": missing_faces,
        "written_twice": twice,
        "different": different,
        "largest_difference": most,
        "chunks": chunks,
        "claims": int(claims),
        "machines_that_wrote": len(reindexing.addresses()),
    }


def _compared(reindexing: Reindexing, model: int) -> tuple[int, float]:
    """Vectors that are not what this process computes from the same crop, by more than rounding; and the
    largest difference of a component."""
    pipeline = reindexing.factory.pipeline(reindexing.card)
    with reindexing.database.reading() as session:
        gallery = galleries.get(session, "staff")
        crops = reindexes.sample_crops(session, gallery.id, gallery.face_count)
        stored: dict[int, bytes] = dict(
            session.execute(
                text("SELECT face_key, vector FROM embedding WHERE model_id = :model AND vector IS NOT NULL"),
                {"model": model},
            )
            .tuples()
            .all()
        )
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        expected = embed_crops(threads, crops, pipeline).vectors
    differences = [
        float(np.abs(np.frombuffer(stored[key], "<f4") - np.frombuffer(vector, "<f4")).max())
        for key, vector in expected.items()
        if key in stored
    ]
    if not differences:
        raise SystemExit("no vector was compared")
    return sum(difference > 1e-4 for difference in differences), max(differences)


def _cpu_seconds(postmaster: psutil.Process) -> float:
    """Of a PostgreSQL: its first process, those that have ended, and those that run."""
    own = postmaster.cpu_times()
    total: float = own.user + own.system + own.children_user + own.children_system
    for process in postmaster.children():
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
