"""Export and import of a gallery: seconds, processor time, size and memory.

    python -m benchmarks.transfer [--faces 100000] [--crop-kb 8]

Random people with one face each, and a crop of so many kilobytes. The export goes into a folder, the import
into the same PostgreSQL under another name; its check reads every byte first. `upload` stores the export's
files in PostgreSQL, as `/v1/galleries/{gallery}/transfers` does, without the network. `COPY` is the same
faces and embeddings written by PostgreSQL into one file, without a checksum: the export is compared with it.

100,000 faces take some three minutes on two cores.
"""

import argparse
import io
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
from sqlalchemy import text

from benchmarks.gallery import GALLERY, filled
from indexer.embedding.catalog import sface
from indexer.pipeline.models import GalleryModels
from indexer.records.database.session import Database
from indexer.settings import Settings
from indexer.transfer import folder, upload
from indexer.transfer.archive.check import check
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.manifest import NAME
from indexer.transfer.archive.source import open_source
from indexer.transfer.embed import as_exported
from indexer.transfer.importer import GalleryImport
from indexer.transfer.target import Target
from indexer.weights.store import WeightStore

SIDE_PX = 168


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--crop-kb", type=float, default=8)
    options = parser.parse_args()
    with filled(options.faces) as (_, _, database), tempfile.TemporaryDirectory() as name:
        add_crops(database, jpeg(int(1000 * options.crop_kb)))
        rows = options.faces
        with measured("COPY", rows):
            copy_out(database, Path(name) / "copy")
        with measured("export", rows):
            done = folder.to_folder(database, GALLERY, Path(name) / "export", progress=nobody)
        print(f"{done.manifest.counts.bytes / 1e6:,.0f} MB in {len(done.manifest.files):,} files", flush=True)
        contents = Contents.open(open_source(Path(name) / "export"))
        with measured("check", rows):
            check(contents, progress=nobody)
        card = sface(mirror=True)
        running = GalleryImport(
            database,
            GalleryModels(database, card),
            contents,
            Target(card=card, embeds=False),
            name="copy",
            into=None,
            join=False,
        )
        with measured("import", rows):
            running.run(as_exported, progress=nobody)
        with measured("upload", rows):
            store(database, GalleryModels(database, card), Path(name) / "export")
        shutil.rmtree(Path(name) / "export")


@contextmanager
def measured(what: str, faces: int) -> Iterator[None]:
    """Prints seconds, this process's processor time, and the largest memory that it ever had."""
    start, busy = time.perf_counter(), time.process_time()
    yield
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{what:8} {seconds:8.1f} s  {busy:8.1f} s of this process  {faces / seconds:10,.0f} faces/s"
        f"  {memory:6,.0f} MB",
        flush=True,
    )


def jpeg(size: int) -> bytes:
    """Of noise, padded by a comment to about `size` bytes."""
    pixels = np.random.default_rng(0).integers(0, 255, (SIDE_PX, SIDE_PX, 3), np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "JPEG", quality=10, comment=bytes(max(0, size - 4_000)))
    return file.getvalue()


def add_crops(database: Database, crop: bytes) -> None:
    with database.transaction(long=True) as session:
        session.execute(
            text("UPDATE face SET crop = :crop, crop_landmarks = array_fill(50::real, '{10}')"),
            {"crop": crop},
        )


def store(database: Database, models: GalleryModels, export: Path) -> None:
    manifest = (export / NAME).read_bytes()
    job, _ = upload.begin(
        database,
        models,
        WeightStore.of(Settings(_env_file=None)),
        "uploaded",
        manifest,
        upload.Options(),
        upload.Limits(file_bytes=10**9, waiting_bytes=10**12),
    )
    for file in Contents.open(open_source(export)).manifest.files:
        upload.receive(database, "uploaded", job.id, file.name, (export / file.name).read_bytes())


def copy_out(database: Database, path: Path) -> None:
    connection = database.engine.raw_connection()
    try:
        with closing(connection.cursor()) as cursor, path.open("wb") as file:
            for table in ("face", "embedding"):
                cursor.copy_expert(f"COPY {table} TO STDOUT (FORMAT binary)", file)
    finally:
        connection.close()
    path.unlink()


def nobody(*_: object) -> None:
    """Progress that nobody looks at."""


if __name__ == "__main__":
    main()
