"""A PostgreSQL with a gallery of random people, and the photograph of one."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import cv2
import matplotlib
import numpy as np
import PIL.Image
from sqlalchemy import text

from indexer.embedding.catalog import sface
from indexer.records import embedded, galleries, models
from indexer.records.database import schema
from indexer.records.database.session import Database, Session

GALLERY = "bench"


@contextmanager
def filled(count: int) -> Iterator[tuple[Path, str, Database]]:
    """A temporary folder, in it a PostgreSQL with a gallery of `count` faces; and its URL."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        url = embedded.start(home)
        database = Database(url)
        stack.callback(database.close)
        schema.migrate(database)
        fill(database, count)
        yield home, url, database


def fill(database: Database, count: int) -> None:
    """Random people with one face each, written to the tables directly, because only searches are
    measured."""
    card = sface(mirror=True)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((count, card.dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with database.transaction() as session:
        gallery = galleries.create(session, GALLERY)
        session.flush()
        model = models.register(session, card.fingerprint, card.dimension)
        keys = _people(session, gallery.id, model, count)
        for start in range(0, count, 10_000):
            session.execute(
                text("INSERT INTO embedding (face_key, model_id, vector) VALUES (:key, :model, :vector)"),
                [
                    {"key": key, "model": model, "vector": vector.tobytes()}
                    for key, vector in zip(
                        keys[start : start + 10_000], vectors[start : start + 10_000], strict=True
                    )
                ],
            )


def _people(session: Session, gallery: UUID, model: int, count: int) -> list[int]:
    arguments = {"gallery": gallery, "model": model, "count": count}
    for statement in (
        "INSERT INTO identity (id, gallery_id, name) SELECT gen_random_uuid(), :gallery, 'Person ' || i"
        " FROM generate_series(1, :count) i",
        "INSERT INTO face (key, id, identity_id, box, landmarks, confidence, quality, quality_components,"
        " image_sha256) SELECT row_number() OVER (), gen_random_uuid(), id, array_fill(0::real, '{4}'),"
        " array_fill(0::real, '{10}'), 1, 100, '{}', sha256(id::text::bytea)"
        " FROM identity WHERE gallery_id = :gallery",
        "UPDATE gallery SET change_number = :count, change_token = gen_random_uuid(), face_count = :count,"
        " model_id = :model WHERE id = :gallery",
    ):
        session.execute(text(statement), arguments)
    return list(session.scalars(text("SELECT key FROM face ORDER BY key")))


def one_face_640x480() -> bytes:
    """Grace Hopper (public domain, comes with Matplotlib) in the middle of a 640 x 480 JPEG."""
    file_name = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    portrait = PIL.Image.open(file_name).convert("RGB").resize((410, 480))
    picture = portrait.resize((640, 480))
    picture = PIL.Image.blend(picture, PIL.Image.new("RGB", picture.size, "grey"), 0.7)
    picture.paste(portrait, (115, 0))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def one_face_12_megapixels() -> bytes:
    """Grace Hopper, 1,100 pixels wide, in a 4000 x 3000 JPEG of about 8 MB, with a sensor's noise."""
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.uniform(60, 200, (30, 40, 3)).astype(np.float32), (4000, 3000))
    file_name = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    portrait = PIL.Image.open(file_name).convert("RGB").resize((1100, 1290))
    scene[900:2190, 1500:2600] = np.asarray(portrait)
    noise = rng.standard_normal(scene.shape, np.float32)
    file = io.BytesIO()
    PIL.Image.fromarray(np.clip(scene + 12 * noise, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=97)
    return file.getvalue()
