"""An export or import that is killed is continued by the same call, and nothing is there twice."""

from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.errors import ArchiveDamaged, GalleryNotFound
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.transfer import export, faces, folder
from indexer.transfer import people as people_of_imports
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.source import open_source
from indexer.usecases import delete
from tests.support.faults.steps import COMMIT
from tests.support.transfer.galleries import ids, nobody, people, rows
from tests.support.transfer.mortal import export_staff, import_copy, killed

EXPORT_STEPS = [
    "indexer.transfer.folder:record_export:after",
    "indexer.transfer.folder:_append:after",
    "indexer.transfer.folder:_write:before:1",
    "indexer.transfer.folder:_write:after:5",
    "indexer.transfer.folder:_append:before:3",
    "indexer.transfer.folder:_append:after:3",
    "os:fsync:before:6",
    "indexer.transfer.archive.encode:identities:after",
    "indexer.transfer.folder:_sweep:after",
    "indexer.transfer.folder:_sync:after",
]
IMPORT_STEPS = [
    "indexer.records.galleries:create:after",
    f"{COMMIT}:after:2",
    "indexer.transfer.people:_add:after:2",
    f"{COMMIT}:after:4",
    "indexer.records.transfer.faces:add:before:1",
    "indexer.records.changes:append:before:2",
    "indexer.records.transfer.faces:add:after:2",
    f"{COMMIT}:before:8",
    f"{COMMIT}:after:8",
    "indexer.transfer.people:add_pairs:before",
    "indexer.transfer.people:add_pairs:after",
    "indexer.records.calibrations:add:after",
]


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "FACES_OF_A_GROUP", 6)
    monkeypatch.setattr(export, "IDENTITIES_OF_A_FILE", 5)
    monkeypatch.setattr(faces, "FACES_OF_A_TRANSACTION", 4)
    monkeypatch.setattr(people_of_imports, "PEOPLE_OF_A_TRANSACTION", 3)


@pytest.mark.parametrize("step", EXPORT_STEPS)
def test_a_killed_export_is_never_complete_and_is_continued(
    database: Database, migrated: str, tmp_path: Path, step: str
) -> None:
    people(database, "staff")
    killed("export", step, migrated, tmp_path / "export")
    with pytest.raises(ArchiveDamaged, match=r"no manifest\.json"):
        Contents.open(open_source(tmp_path / "export"))
    delete.remove_identity(database, "staff", ids(database, "staff")["identity"][0])
    people(database, "other", 3, seed=1)

    done = export_staff(database, tmp_path / "export")

    assert done.manifest.counts.identities == 11
    files = {path.name for path in (tmp_path / "export").iterdir()}
    assert files == {file.name for file in done.manifest.files} | {"manifest.json"}
    import_copy(database, tmp_path / "export")
    assert rows(database, "copy") == rows(database, "staff")


@pytest.mark.parametrize("step", IMPORT_STEPS)
def test_a_killed_import_is_continued_and_nobody_is_there_twice(
    database: Database, migrated: str, tmp_path: Path, step: str
) -> None:
    people(database, "staff")
    export_staff(database, tmp_path / "export")
    killed("import", step, migrated, tmp_path / "export")
    with database.reading() as session, pytest.raises(GalleryNotFound):
        galleries.get(session, "copy")

    import_copy(database, tmp_path / "export")

    assert rows(database, "copy") == rows(database, "staff")
    with database.reading() as session:
        assert len(galleries.list_all(session)) == 2
        counts = session.execute(
            text(
                "SELECT change_number, (SELECT count(*) FROM change WHERE gallery_id = gallery.id)"
                " FROM gallery WHERE name = 'copy'"
            )
        ).one()
        assert counts[0] == counts[1], "the change log has no gap"


def test_what_an_interrupted_export_has_written_is_kept(
    database: Database, migrated: str, tmp_path: Path
) -> None:
    people(database, "staff")
    killed("export", "indexer.transfer.archive.encode:identities:before", migrated, tmp_path / "export")
    damaged = tmp_path / "export" / "crops-000002.bin"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")

    done = export_staff(database, tmp_path / "export")

    assert done.kept_files == 3 * 3, "of four groups, all but the damaged one"
    whole = folder.to_folder(database, "staff", tmp_path / "whole", progress=nobody)
    assert done.manifest.files == whole.manifest.files
