"""How long a clustering of a gallery takes, and its undo, and how well its identities fit people.

    python -m benchmarks.clustering.gallery_job --faces 100000
    python -m benchmarks.clustering.gallery_job --vectors VECTORS.npz --faces 100000 [--threshold 0.5]

The faces are synthetic people: two thirds have one face, the others two or more. VECTORS.npz has embeddings
of Labeled Faces in the Wild instead (`vectors`, `found`, `names`), among synthetic strangers. Each face is an
anonymous identity of a temporary PostgreSQL; the jobs are the server's. Pages of the list of groups are timed
before the clustering and after.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
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
from indexer.records.tables import GalleryJob
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
    parser.add_argument("--vectors", type=Path, help="of LFW; default: synthetic people")
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--threshold", type=float, default=None, help="default: by the policy")
    options = parser.parse_args()
    vectors, people = (
        synthetic(options.faces) if options.vectors is None else labelled(options.vectors, options.faces)
    )
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        database = Database(embedded.start(home), pool_size=8)
        stack.callback(database.close)
        schema.migrate(database)
        gallery_id = fill(database, vectors.astype("<f4"))
        print(f"{len(vectors):,} faces; pages: {pages(database, gallery_id)}", flush=True)
        store = IndexStore.of(Settings(home=home), database, sface(mirror=True))
        made = clustered(store, options.threshold)
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
        print("people:", accuracy(numbers[: len(people)], people), flush=True)
        undone(store, made)


def synthetic(faces: int) -> tuple[Vectors, NDArray[np.int64]]:
    """Embeddings, shape (faces, dimension), in random order, and the number of each face's person."""
    rng = np.random.default_rng(1)
    sizes = rng.geometric(0.6, faces)
    people = np.repeat(np.arange(faces), sizes)[:faces]
    mates = face_vectors.gallery(int(people[-1]) + 1, seed=1)
    first = np.diff(people, prepend=-1) > 0
    vectors = mates[people]
    vectors[~first] = face_vectors.probes(mates[people[~first]], seed=1)
    order = rng.permutation(faces)
    return vectors[order], people[order]


def labelled(file: Path, faces: int) -> tuple[Vectors, NDArray[np.int64]]:
    """The embeddings of the file, then strangers; the people of the former."""
    with np.load(file) as loaded:
        found = loaded["found"].astype(bool)
        vectors, names = loaded["vectors"][found], loaded["names"][found]
    _, people = np.unique(names, return_inverse=True)
    more = max(0, faces - len(vectors))
    if more:
        vectors = np.concatenate([vectors, face_vectors.strangers(more, seed=1)])
    return vectors, people


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


def clustered(store: IndexStore, threshold: float | None) -> GalleryJob:
    worker = JobWorker(store, CalibrationResolver(store.database, store.models, store.fpir))
    options = {"threshold": threshold, "join_groups": False, "join_named": False, "dry_run": False}
    with store.database.transaction() as session:
        gallery = galleries.get(session, GALLERY)
        job = jobs.create(session, gallery, CLUSTERING, options, worker=worker.name)
    return timed(store, worker, job)


def undone(store: IndexStore, made: GalleryJob) -> GalleryJob:
    worker = JobWorker(store, CalibrationResolver(store.database, store.models, store.fpir))
    with store.database.transaction() as session:
        gallery = galleries.get(session, GALLERY)
        job = jobs.begin_undo(session, gallery, made.id, worker=worker.name)
    return timed(store, worker, job)


def timed(store: IndexStore, worker: JobWorker, job: GalleryJob) -> GalleryJob:
    """Prints the seconds, also to the first mention of each figure."""
    begun, cpu = time.perf_counter(), time.process_time()
    marks: dict[str, float] = {}

    def observe(figures: object) -> None:
        assert isinstance(figures, dict)
        for name in map(str, figures):
            marks.setdefault(name, round(time.perf_counter() - begun, 1))

    worker.run_here(job, observe)
    with store.database.reading() as session:
        done = jobs.get(session, job.gallery_id, CLUSTERING, job.id)
    print(
        f"{done.state}: {time.perf_counter() - begun:.1f} s, {time.process_time() - cpu:.1f} s of CPU,"
        f" threshold {done.used_threshold}, {done.figures}, begun {marks}",
        flush=True,
    )
    return done


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
