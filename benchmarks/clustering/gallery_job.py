"""How long a clustering of a gallery takes, and how well its identities fit people.

    python -m benchmarks.clustering.gallery_job VECTORS.npz [--faces 100000] [--threshold 0.5]

VECTORS.npz has the embeddings of Labeled Faces in the Wild (`vectors`, `found`, `names`). More faces are
synthetic strangers. Each face is an anonymous identity of a temporary PostgreSQL; the job is the server's.
Pages of the list of groups are timed before it and after.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import numpy as np
from sqlalchemy import text

from benchmarks import face_vectors
from benchmarks.clustering.measures import accuracy
from benchmarks.gallery import GALLERY
from indexer.calibration.resolver import CalibrationResolver
from indexer.embedding.catalog import sface
from indexer.gallery_jobs.worker import JobWorker
from indexer.records import embedded, galleries, models
from indexer.records.database import schema
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import identity_lists
from indexer.records.enrolled.identity_lists import Order, Search
from indexer.records.gallery_jobs import jobs
from indexer.records.gallery_jobs.kinds import CLUSTERING
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import Vectors

_STATEMENTS = (
    "INSERT INTO identity (id, gallery_id, anonymous) SELECT gen_random_uuid(), :gallery, true"
    " FROM generate_series(1, :count) i",
    "INSERT INTO face (key, id, identity_id, box, landmarks, confidence, quality, quality_components,"
    " image_sha256) SELECT row_number() OVER (ORDER BY number), gen_random_uuid(), id,"
    " array_fill(0::real, '{4}'), array_fill(0::real, '{10}'), 1, 100, '{}', sha256(id::text::bytea)"
    " FROM identity WHERE gallery_id = :gallery",
    "UPDATE gallery SET change_number = :count, change_token = gen_random_uuid(), face_count = :count,"
    " model_id = :model, last_face_key = :count WHERE id = :gallery",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--faces", type=int, default=0, help="with synthetic strangers; default: LFW alone")
    parser.add_argument("--threshold", type=float, default=None, help="default: by the policy")
    options = parser.parse_args()
    with np.load(options.vectors) as file:
        found = file["found"].astype(bool)
        vectors, names = file["vectors"][found], file["names"][found]
    _, people = np.unique(names, return_inverse=True)
    more = max(0, options.faces - len(vectors))
    if more:
        vectors = np.concatenate([vectors, face_vectors.strangers(more, seed=1)])
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        database = Database(embedded.start(home), pool_size=8)
        stack.callback(database.close)
        schema.migrate(database)
        gallery_id = fill(database, vectors.astype("<f4"))
        print(f"{len(vectors):,} faces; pages: {pages(database, gallery_id)}", flush=True)
        run(database, home, options.threshold)
        print(f"pages: {pages(database, gallery_id)}")
        with database.reading() as session:
            owners = session.execute(
                text(
                    "SELECT embedding.vector, identity.number FROM face"
                    " JOIN identity ON identity.id = face.identity_id"
                    " JOIN embedding ON embedding.face_key = face.key"
                )
            ).all()
    by_vector = {bytes(vector): number for vector, number in owners}
    numbers = np.array([by_vector[vector.astype("<f4").tobytes()] for vector in vectors])
    print("LFW:", accuracy(numbers[: len(people)], people))


def fill(database: Database, vectors: Vectors) -> UUID:
    card = sface(mirror=True)
    with database.transaction(long=True) as session:
        gallery = galleries.create(session, GALLERY)
        session.flush()
        model = models.register(session, card.fingerprint, card.dimension)
        arguments = {"gallery": gallery.id, "model": model, "count": len(vectors)}
        for statement in _STATEMENTS:
            session.execute(text(statement), arguments)
        for start in range(0, len(vectors), 10_000):
            session.execute(
                text("INSERT INTO embedding (face_key, model_id, vector) VALUES (:key, :model, :vector)"),
                [
                    {"key": start + place + 1, "model": model, "vector": vector.tobytes()}
                    for place, vector in enumerate(vectors[start : start + 10_000])
                ],
            )
        gallery_id: UUID = gallery.id
        for table in ("identity", "face", "embedding"):
            session.execute(text(f"ANALYZE {table}"))
    return gallery_id


def run(database: Database, home: Path, threshold: float | None) -> None:
    store = IndexStore.of(Settings(home=home), database, sface(mirror=True))
    worker = JobWorker(store, CalibrationResolver(database, store.models, Settings().identify_fpir))
    options = {"threshold": threshold, "join_groups": False, "join_named": False, "dry_run": False}
    with database.transaction() as session:
        gallery = galleries.get(session, GALLERY)
        job = jobs.create(session, gallery, CLUSTERING, options, worker=worker.name)
    begun, cpu = time.perf_counter(), time.process_time()
    marks: dict[str, float] = {}

    def observe(figures: object) -> None:
        assert isinstance(figures, dict)
        for name in figures:
            marks.setdefault(name, time.perf_counter() - begun)

    worker.run_here(job, observe)
    with database.reading() as session:
        done = jobs.get(session, gallery.id, CLUSTERING, job.id)
    print(
        f"{done.state}: {time.perf_counter() - begun:.1f} s, {time.process_time() - cpu:.1f} s of CPU,"
        f" threshold {done.used_threshold}, {done.figures}, begun {marks}"
    )


def pages(database: Database, gallery_id: UUID) -> str:
    """Median milliseconds of the first page of groups."""
    shown = []
    for search in (Search(), Search(anonymous=True, hidden=False), Search(anonymous=True, min_faces=2)):
        times = []
        for _ in range(7):
            with database.reading() as session:
                begun = time.perf_counter()
                listed(session, gallery_id, search)
                times.append(1_000 * (time.perf_counter() - begun))
        shown.append(f"{statistics.median(times):.0f} ms")
    return ", ".join(shown)


def listed(session: Session, gallery_id: UUID, search: Search) -> None:
    identity_lists.page(session, gallery_id, after=None, limit=100, search=search, order=Order.FACES)


if __name__ == "__main__":
    main()
