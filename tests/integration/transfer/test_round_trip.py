"""What is exported comes back: every row, every id where it is free, and the answers of searches."""

from pathlib import Path

import pytest
from sqlalchemy import text

from benchmarks import face_vectors
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.tables import Face, Gallery, Identity
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.transfer import export as exports
from indexer.transfer import faces, folder
from indexer.transfer.archive.lines import FaceLine, IdentityLine
from indexer.transfer.archive.policy import Policy
from indexer.types import PersonScore
from indexer.usecases import delete, person_score
from indexer.usecases.people import merge
from tests.integration.transfer.conftest import Restore
from tests.support import many_faces
from tests.support.strangers import CARD
from tests.support.transfer.galleries import ids, nobody, people, rows


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "FACES_OF_A_GROUP", 7)
    monkeypatch.setattr(exports, "IDENTITIES_OF_A_FILE", 5)
    monkeypatch.setattr(faces, "FACES_OF_A_TRANSACTION", 3)


@pytest.mark.parametrize("path", ["export", "export.tar"])
def test_a_gallery_comes_back_with_its_ids_where_it_was_deleted(
    database: Database, restore: Restore, tmp_path: Path, path: str
) -> None:
    people(database, "staff")
    before, known = rows(database, "staff"), ids(database, "staff")
    write = folder.to_file if path.endswith(".tar") else folder.to_folder
    done = write(database, "staff", tmp_path / path, progress=nobody)
    with database.transaction() as session:
        galleries.remove(session, galleries.get(session, "staff").id)

    imported = restore(tmp_path / path, "staff")

    assert rows(database, "staff") == before
    assert ids(database, "staff") == known
    assert (imported.people.created, imported.people.new_ids) == (12, 0)
    assert (imported.faces.added, imported.faces.there, imported.pairs, imported.calibrations) == (
        20,
        0,
        3,
        1,
    )
    assert (done.manifest.counts.faces, done.manifest.counts.identities) == (20, 12)


def test_a_copy_beside_the_original_has_ids_of_its_own(
    database: Database, restore: Restore, tmp_path: Path
) -> None:
    people(database, "staff")
    folder.to_folder(database, "staff", tmp_path / "export", progress=nobody)

    imported = restore(tmp_path / "export", "copy")

    assert rows(database, "copy") == rows(database, "staff")
    assert imported.people.new_ids == 12
    for table, known in ids(database, "staff").items():
        assert not set(known) & set(ids(database, "copy")[table])


def test_searches_of_the_copy_find_the_same_people(
    database: Database, settings: Settings, restore: Restore, tmp_path: Path
) -> None:
    people(database, "staff", 60)
    folder.to_folder(database, "staff", tmp_path / "export", progress=nobody)
    restore(tmp_path / "export", "copy")
    store = IndexStore.of(settings, database, CARD)
    probes = face_vectors.gallery(60, 0)[::4]

    def answers(name: str) -> list[list[tuple[int, float, int | None]]]:
        with database.reading() as session:
            gallery = galleries.get(session, name)
            of_face = text(
                "SELECT (metadata ->> 'place')::int FROM identity JOIN face ON identity_id = identity.id"
                " WHERE face.key = :key"
            )
            return [
                [(session.scalar(of_face, {"key": one.key}) or 0, one.score, one.faces) for one in found]
                for found in store.open(gallery.id).index.search_identities(probes, 5)
            ]

    assert answers("copy") == answers("staff")
    assert [found[0][0] for found in answers("copy")] == list(range(0, 60, 4))


def test_an_export_has_what_was_there_when_it_began(
    database: Database, restore: Restore, tmp_path: Path
) -> None:
    gallery_id = people(database, "staff")
    before = rows(database, "staff")
    first, second, third, *_ = ids(database, "staff")["identity"]
    stream = folder.TarStream(database, "staff", to="file", progress=nobody)
    parts = iter(stream)
    data = next(parts)
    delete.remove_identity(database, "staff", first)
    many_faces.enrol(database, gallery_id, "late", face_vectors.gallery(4, 1))
    merge.merge(database, "staff", second, third, although_distinct=True)
    person_score.change(database, "staff", PersonScore.NEAREST)
    (tmp_path / "export.tar").write_bytes(data + b"".join(parts))

    restore(tmp_path / "export.tar", "copy")

    assert rows(database, "copy") == before
    assert rows(database, "staff") != before


def test_every_column_is_exported_or_left_out_on_purpose() -> None:
    def columns(table: type) -> set[str]:
        return {column.key for column in table.__table__.columns}  # type: ignore[attr-defined]

    left_out = {
        "id", "name", "created_at", "has_disputes", "change_number", "change_token", "last_face_key",
        "face_count", "model_id", "index_epoch", "index_tier",
    }  # fmt: skip
    assert columns(Gallery) == Policy.model_fields.keys() | left_out
    assert columns(Identity) == IdentityLine.model_fields.keys() | {
        "number", "gallery_id", "name_words", "search_words",
    }  # fmt: skip
    assert columns(Face) == FaceLine.model_fields.keys() - {"problem"} | {
        "key", "crop_landmarks", "audit_id", "request_id",
    }  # fmt: skip
