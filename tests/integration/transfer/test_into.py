"""Imports into a gallery that exists, and repeated imports."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from indexer.embedding.catalog import dlib_resnet
from indexer.errors import EmbeddingsMissing, ExternalIdTaken, GalleryExists
from indexer.records import changes, galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import identities
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.transfer import folder
from indexer.transfer.archive.contents import FaceGroup
from indexer.transfer.embed import Made
from indexer.usecases import delete
from indexer.usecases.people.merge import merge
from tests.integration.transfer.conftest import Restore
from tests.support.strangers import CARD
from tests.support.transfer.galleries import ids, nobody, people, rows


@pytest.fixture
def exported(database: Database, tmp_path: Path) -> Path:
    people(database, "staff")
    folder.to_folder(database, "staff", tmp_path / "export", progress=nobody)
    return tmp_path / "export"


def test_a_second_import_into_a_gallery_adds_nothing(
    database: Database, restore: Restore, exported: Path
) -> None:
    with database.transaction() as session:
        galleries.create(session, "other")
    first = restore(exported, into="other")
    before = rows(database, "other")

    again = restore(exported, into="other")

    assert (first.people.created, first.faces.added) == (12, 20)
    assert (again.people.created, again.people.there, again.faces.added, again.faces.there) == (0, 12, 0, 20)
    assert rows(database, "other") == before


def test_deleted_people_come_back_into_their_gallery_with_their_ids(
    database: Database, restore: Restore, exported: Path
) -> None:
    before, known = rows(database, "staff"), ids(database, "staff")
    for identity_id in known["identity"][2:5]:
        delete.remove_identity(database, "staff", identity_id)

    imported = restore(exported, into="staff")

    assert imported.people.created == 3
    assert ids(database, "staff") == known
    after = rows(database, "staff")
    assert after["identities"] == before["identities"]
    assert sorted(after["faces"], key=picture) == sorted(before["faces"], key=picture)


def picture(face: tuple[Any, ...]) -> bytes:
    return bytes(face[6])


def test_people_who_were_merged_since_are_not_split_again(
    database: Database, restore: Restore, exported: Path
) -> None:
    one, other = ids(database, "staff")["identity"][4:6]
    merge(database, "staff", one, other)
    known = ids(database, "staff")

    restore(exported, into="staff")

    assert ids(database, "staff") == known


def test_an_open_index_follows_an_import(
    database: Database, settings: Settings, restore: Restore, exported: Path
) -> None:
    with database.transaction() as session:
        gallery = galleries.create(session, "other")
    store = IndexStore.of(settings, database, CARD)
    index = store.open(gallery.id).index

    restore(exported, into="other")

    with database.reading() as session:
        index.apply(changes.read_after(session, gallery.id, index.position, CARD.fingerprint))
    assert index.digest == store.open(gallery.id).index.digest
    assert index.faces == 20


@pytest.mark.parametrize("join", [False, True])
def test_a_taken_external_id_stops_the_import_or_names_the_same_person(
    database: Database, restore: Restore, exported: Path, join: bool
) -> None:
    with database.transaction() as session:
        gallery = galleries.create(session, "other")
        person = identities.create(session, gallery.id, external_id="staff-3", name="Own", metadata={})
    if not join:
        with pytest.raises(ExternalIdTaken) as caught:
            restore(exported, into="other")
        assert caught.value.details == {"external_ids": ["staff-3"], "count": 1}
        assert len(ids(database, "other")["identity"]) == 1, "nothing was imported"
        return

    imported = restore(exported, into="other", join=True)

    assert (imported.people.created, imported.people.joined, imported.faces.added) == (11, 1, 20)
    with database.reading() as session:
        found = identities.get(session, gallery.id, person.id)
        faces = session.scalar(text("SELECT count(*) FROM face WHERE identity_id = :id"), {"id": person.id})
    assert (found.name, faces) == ("Own", 3)


def test_a_taken_name_stops_the_import(database: Database, restore: Restore, exported: Path) -> None:
    with pytest.raises(GalleryExists):
        restore(exported, "staff")
    with database.reading() as session:
        assert [gallery.name for gallery in galleries.list_all(session)] == ["staff"]


OTHER = dlib_resnet(mirror=True)


def test_crops_are_embedded_by_another_model(database: Database, restore: Restore, exported: Path) -> None:
    with pytest.raises(EmbeddingsMissing, match="3 faces have no crop"):
        restore(exported, model=OTHER)
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE face SET crop = other.crop, crop_landmarks = other.crop_landmarks"
                " FROM face other WHERE face.crop IS NULL AND other.crop IS NOT NULL"
            )
        )
    whole = exported.with_name("whole")
    folder.to_folder(database, "staff", whole, progress=nobody)

    def embed(group: FaceGroup, places: Any) -> Made:
        assert all(group.crops[place] for place in places)
        vector = np.eye(OTHER.dimension, dtype="<f4")[0].tobytes()
        return [(None, "too dark") if place == 3 else (vector, None) for place in places]

    imported = restore(whole, model=OTHER, embedder=embed)

    assert imported.calibrations == 0, "it was measured with the other model"
    with database.reading() as session:
        gallery = galleries.get(session, "restored")
    assert gallery.model_fingerprint == OTHER.fingerprint
    assert [face[-1] for face in rows(database, "restored")["faces"]].count("too dark") == 1
