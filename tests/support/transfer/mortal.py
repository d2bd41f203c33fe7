"""An export or an import in a process of its own, which kills itself at a step."""

import signal
from pathlib import Path

from indexer.pipeline.models import GalleryModels
from indexer.records.database.session import Database
from indexer.transfer import export, faces, folder, importer, people
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.source import open_source
from indexer.transfer.embed import as_exported
from indexer.transfer.importer import GalleryImport
from indexer.transfer.target import Target
from tests.support.faults.death import die_at
from tests.support.faults.forkserver import context
from tests.support.strangers import CARD
from tests.support.transfer.galleries import nobody


def killed(what: str, step: str, url: str, path: Path) -> None:
    """Runs `export_staff` or `import_copy` and is killed at the step."""
    process = context.Process(target=_run, args=(what, step, url, path))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, f"{step} was not reached"


def _run(what: str, step: str, url: str, path: Path) -> None:
    small_portions()
    database = Database(url)
    die_at(step)
    export_staff(database, path) if what == "export" else import_copy(database, path)


def small_portions() -> None:
    export.FACES_OF_A_GROUP = 6
    export.IDENTITIES_OF_A_FILE = 5
    faces.FACES_OF_A_TRANSACTION = 4
    people.PEOPLE_OF_A_TRANSACTION = 3


def export_staff(database: Database, path: Path) -> folder.Exported:
    return folder.to_folder(database, "staff", path, progress=nobody)


def import_copy(database: Database, path: Path) -> importer.Imported:
    running = GalleryImport(
        database,
        GalleryModels(database, CARD),
        Contents.open(open_source(path)),
        Target(card=CARD, embeds=False),
        name="copy",
        into=None,
        join=False,
    )
    return running.run(as_exported, progress=nobody)
