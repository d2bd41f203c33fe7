"""How close a re-index comes to the network alone: faces per second of a job, and of crops in memory.

    python -m benchmarks.reindex --data LFW --faces 10000

Enrols real photographs, repeats their rows up to the requested number (the crops are real), and lets one
worker re-index them to another model. Before and after that, the same embedder runs on aligned faces in
memory, in as many threads as there are cores.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from indexer.embedding import catalog
from indexer.embedding.embedder import stacked
from indexer.pipeline.crops import aligned
from indexer.pipeline.embed_crops import BATCH
from indexer.pipeline.people_folder import PeopleFolder, people_in
from indexer.pipeline.pipeline import Pipeline
from indexer.pipeline.pipelines import PipelineFactory
from indexer.records import embedded, galleries, reindexes
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.records.embedded import database_url
from indexer.records.tables import Gallery
from indexer.reindex import control
from indexer.reindex import plan as plans
from indexer.reindex.chunks import ChunkEmbedder
from indexer.reindex.claims import Claims
from indexer.replica.store import IndexStore
from indexer.replica.threads.interruptible import close_all
from indexer.settings import Settings
from indexer.types import Image, OnSeveralFaces
from indexer.usecases.bootstrap import default_card, open_engine, open_pipeline_factory
from indexer.usecases.enrol_folder import enrol_folder

PEOPLE = 120
"""Number of people whose photographs are enrolled for real."""
MEMORY_FACES = 2048

_MULTIPLY = (
    "INSERT INTO face (key, id, identity_id, box, landmarks, confidence, quality, quality_components,"
    " image_sha256, crop, crop_landmarks) SELECT (SELECT max(key) FROM face) + row_number() OVER (ORDER BY i,"
    " key), gen_random_uuid(), identity_id, box, landmarks,"
    " confidence, quality, quality_components, sha256(image_sha256 || i::text::bytea), crop, crop_landmarks"
    " FROM face, generate_series(1, :times) i ORDER BY i, key LIMIT :more",
    "INSERT INTO embedding (face_key, model_id, vector) SELECT f.key, e.model_id, e.vector FROM face f"
    " JOIN LATERAL (SELECT e.* FROM embedding e JOIN face g ON g.key = e.face_key"
    " WHERE g.identity_id = f.identity_id LIMIT 1) e ON true"
    " WHERE NOT EXISTS (SELECT 1 FROM embedding h WHERE h.face_key = f.key)",
    "UPDATE gallery SET change_number = n, change_token = gen_random_uuid(), face_count = n"
    " FROM (SELECT count(*) AS n FROM face) AS counted",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=10_000)
    parser.add_argument("--from", default="sface", dest="origin", metavar="MODEL")
    parser.add_argument("--to", default="dlib-resnet", metavar="MODEL")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        try:
            print(json.dumps(_measured(home, arguments), indent=2))
        finally:
            embedded.stop(home)


def _measured(home: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    settings = Settings(home=home, model=arguments.origin)
    settings = settings.model_copy(update={"database_url": database_url(settings)})
    database = Database(str(settings.database_url))
    schema.migrate(database)
    gallery = filled_gallery(settings, database, arguments.data, arguments.faces)
    model = catalog.named(arguments.to, mirror=settings.mirror)
    with open_pipeline_factory(settings) as factory:
        index_store = IndexStore.of(settings, database, default_card(settings))
        pipeline = factory.pipeline(model)
        faces = _aligned_faces(database, gallery, pipeline)
        plan = plans.make(settings, index_store, gallery, pipeline)
        before = _in_memory(faces, pipeline)
        job = control.start(database, index_store.models, gallery, model, plan)
        seconds = _embed_all(index_store, factory)
        after = _in_memory(faces, pipeline)
    with database.reading() as session:
        done = reindexes.progress_of(session, job.row.id)
    database.close()
    rate = done.done / seconds
    return {
        "model": model.fingerprint,
        "faces": done.done,
        "embedded": done.embedded,
        "seconds": round(seconds, 1),
        "planned_seconds": None if plan.seconds is None else round(plan.seconds, 1),
        "job_faces_per_second": round(rate, 1),
        "memory_faces_per_second": [round(before, 1), round(after, 1)],
        "share": round(rate / ((before + after) / 2), 3),
    }


def _embed_all(index_store: IndexStore, factory: PipelineFactory) -> float:
    """Seconds that a worker takes for all chunks, and for no other step."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        claims = Claims(index_store.database)
        embedder = ChunkEmbedder(index_store, factory, claims, threads, threading.Event())
        start = time.perf_counter()
        embedder.embed_all()
        seconds = time.perf_counter() - start
        close_all(*embedder.pools)
    return seconds


def filled_gallery(settings: Settings, database: Database, data: Path, faces: int) -> Gallery:
    with open_engine(settings) as engine:
        folder = PeopleFolder(path=data, people=people_in(data)[:PEOPLE])
        enrol_folder(engine, folder, "staff", several_faces=OnSeveralFaces.LARGEST)
    with database.transaction() as session:
        real = galleries.get(session, "staff").face_count
        arguments = {"times": -(-faces // real), "more": faces - real}
        for statement in _MULTIPLY:
            session.execute(text(statement), arguments if ":more" in statement else {})
    with database.reading() as session:
        return galleries.get(session, "staff")


def _aligned_faces(database: Database, gallery: Gallery, pipeline: Pipeline) -> list[tuple[Image, ...]]:
    with database.reading() as session:
        crops = reindexes.sample_crops(session, gallery.id, MEMORY_FACES)
    return [aligned(crop, pipeline.templates, pipeline.refiner) for crop in crops]


def _in_memory(faces: list[tuple[Image, ...]], pipeline: Pipeline) -> float:
    """Faces per second."""
    batches = [faces[i : i + BATCH] for i in range(0, len(faces), BATCH)]

    def embed(batch: list[tuple[Image, ...]]) -> np.ndarray:
        with pipeline.load.task():
            return pipeline.embedder.embed(*stacked(batch))

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(embed, batches[:BATCH]))
        start = time.perf_counter()
        list(threads.map(embed, batches))
        return len(faces) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
