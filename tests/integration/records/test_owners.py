"""The owners of the faces that a search has found."""

import numpy as np
import pytest
from sqlalchemy import event

from indexer.records import galleries, models
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import faces, identities, owners
from tests.support.enrolments import enrolment


def enrol(session: Session, gallery: str) -> list[int]:
    """Five people with one face each, their external ids 0 to 4. Returns the keys."""
    gallery_id = galleries.create(session, gallery).id
    model = {"m": models.register(session, "m", 8)}
    keys = []
    for number in range(5):
        person = identities.create(session, gallery_id, external_id=str(number), name=None, metadata={})
        face = enrolment(number, {"m": np.eye(8, dtype=np.float32)[number]})
        keys += [added.key for added in faces.add(session, person.id, [face], model)]
    return keys


def test_the_owners_of_many_faces_are_read_in_several_queries_and_all_are_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "KEYS_OF_A_QUERY", 2)
    with database.transaction() as session:
        keys = enrol(session, "staff")
        gallery_id = galleries.get(session, "staff").id
    queries: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *sent: queries.append(sent[2]))

    with database.reading() as session:
        found = owners.find_owners(session, gallery_id, set(keys))

    assert {key: owner.external_id for key, owner in found.items()} == {
        key: str(number) for number, key in enumerate(keys)
    }
    assert len(queries) == 3


def test_the_faces_of_another_gallery_and_deleted_ones_have_no_owner(database: Database) -> None:
    with database.transaction() as session:
        keys = enrol(session, "staff")
        others = enrol(session, "guests")
        gallery_id = galleries.get(session, "staff").id
        faces.remove(session, keys[:1])

    with database.reading() as session:
        assert set(owners.find_owners(session, gallery_id, keys + others)) == set(keys[1:])
        assert owners.find_owners(session, gallery_id, []) == {}
