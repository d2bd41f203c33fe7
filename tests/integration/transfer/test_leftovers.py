"""What belongs to a transfer until its end, and what it leaves then: files, and half a gallery."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.errors import Busy
from indexer.pipeline.models import GalleryModels
from indexer.records import galleries, models
from indexer.records.database.session import Database
from indexer.records.transfer import jobs
from indexer.settings import Settings
from indexer.transfer import upload
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.manifest import NAME
from indexer.transfer.archive.source import open_source
from indexer.transfer.embed import as_exported
from indexer.transfer.importer import GalleryImport
from indexer.transfer.target import Target
from indexer.transfer.upload import Limits, Options
from indexer.transfer.worker import remove_leftovers
from indexer.weights.store import WeightStore
from tests.support.strangers import CARD
from tests.support.transfer.galleries import nobody, people, rows
from tests.support.transfer.mortal import export_staff

Progress = Callable[[int, int], object]


@pytest.fixture
def export(database: Database, tmp_path: Path) -> Iterator[Path]:
    people(database, "staff")
    export_staff(database, tmp_path / "export")
    yield tmp_path / "export"
    with database.transaction() as session:
        session.execute(text("TRUNCATE transfer CASCADE"))


def run(database: Database, export: Path, name: str, progress: Progress = nobody) -> None:
    contents = Contents.open(open_source(export))
    target = Target(card=CARD, embeds=False)
    running = GalleryImport(
        database, GalleryModels(database, CARD), contents, target, name=name, into=None, join=False
    )
    running.run(as_exported, progress=progress)


def uploaded(database: Database, settings: Settings, folder: Path, *, room: float = 1e9) -> None:
    job, _ = upload.begin(
        database,
        GalleryModels(database, CARD),
        WeightStore.of(settings),
        "copy",
        (folder / NAME).read_bytes(),
        Options(),
        Limits(file_bytes=10**9, waiting_bytes=room),
    )
    for path in folder.iterdir():
        if path.name != NAME:
            upload.receive(database, "copy", job.id, path.name, path.read_bytes())


def cancel(database: Database) -> None:
    with database.transaction() as session:
        [job] = jobs.newest_first(session, "copy", at_most=1)
        jobs.cancel(session, "copy", job.id)


def names(database: Database) -> set[str]:
    with database.reading() as session:
        return {gallery.name for gallery in galleries.list_all(session)}


def test_imports_of_an_export_into_galleries_with_long_names_at_once_are_two_galleries(
    database: Database, export: Path
) -> None:
    first, second = "a" * 50 + "1", "a" * 50 + "2"

    def meanwhile(done: int, faces: int) -> None:
        if second not in names(database):
            run(database, export, second)

    run(database, export, first, meanwhile)

    assert names(database) == {"staff", first, second}
    assert rows(database, first) == rows(database, second) == rows(database, "staff")


def test_the_end_of_a_cancelled_transfer_leaves_the_gallery_of_the_next_one(
    database: Database, settings: Settings, export: Path
) -> None:
    uploaded(database, settings, export)
    cancel(database)
    uploaded(database, settings, export)

    run(database, export, "copy", lambda done, faces: remove_leftovers(database))

    assert rows(database, "copy") == rows(database, "staff")


def test_an_import_that_was_begun_with_another_model_begins_again(database: Database, export: Path) -> None:
    def stop(done: int, faces: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(database, export, "copy", stop)
    [aside] = names(database) - {"staff"}
    with database.transaction() as session:
        other = models.register(session, "another-model", 64)
        galleries.get(session, aside).model_id = other

    run(database, export, "copy")

    assert rows(database, "copy") == rows(database, "staff")
    assert names(database) == {"staff", "copy"}


def test_the_files_of_a_cancelled_transfer_take_room_until_they_are_deleted(
    database: Database, settings: Settings, export: Path
) -> None:
    room = 1.5 * sum(path.stat().st_size for path in export.iterdir())
    uploaded(database, settings, export, room=room)
    cancel(database)

    with pytest.raises(Busy):
        uploaded(database, settings, export, room=room)

    assert remove_leftovers(database)
    uploaded(database, settings, export, room=room)
