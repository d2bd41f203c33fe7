"""Keys of faces are drawn from the clock and at random; two galleries may draw the same one."""

import numpy as np
from sqlalchemy import text

from indexer.records import galleries, models, tables
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import faces, identities
from indexer.records.tables import Identity
from indexer.types import Enrolment
from tests.support.enrolments import enrolment

MODEL = "some-model-1"


def one_face(seed: int) -> Enrolment:
    return enrolment(seed, {MODEL: np.full(4, seed, np.float32)})


def person(session: Session, name: str) -> Identity:
    """In a gallery of this name."""
    gallery = galleries.create(session, name)
    return identities.create(session, gallery.id, external_id=None, name=None, metadata={})


def next_key(session: Session, last: int) -> int:
    """The first key that is drawn after `last`, a key of the future. The session repeats the draw."""
    session.execute(text("SELECT setseed(0.5)"))
    drawn = session.scalar(text("SELECT floor(random() * 4096)::bigint"))
    assert drawn is not None
    session.execute(text("SELECT setseed(0.5)"))
    return last + int(drawn) + 1


def test_faces_get_other_keys_if_one_of_theirs_belongs_to_a_face_of_another_gallery(
    database: Database,
) -> None:
    last = 2**52
    with database.transaction() as session:
        model = models.register(session, MODEL, 4)
        others, own = person(session, "others"), person(session, "own")
        [other] = faces.add(session, others.id, [one_face(9)], {MODEL: model})
        session.execute(text("UPDATE gallery SET last_face_key = :last WHERE name = 'own'"), {"last": last})
        collided = next_key(session, last) + 1
        move = text(
            "INSERT INTO face SELECT (jsonb_populate_record(f, CAST(:changed AS jsonb))).* FROM face f"
        )
        changed = f'{{"key": {collided}, "id": "{own.id}", "image_sha256": "\\\\x{"00" * 32}"}}'
        session.execute(move, {"changed": changed})

        added = faces.add(session, own.id, [one_face(seed) for seed in (1, 2, 3)], {MODEL: model})

        keys = [face.key for face in added]
        assert keys[0] > collided, "not one of the first keys is used"
        assert keys == list(range(keys[0], keys[0] + 3))
        rows = session.execute(text("SELECT face_key, vector FROM embedding ORDER BY face_key")).all()
        assert [(key, np.frombuffer(vector, "<f4")[0]) for key, vector in rows] == [
            (other.key, 9),
            *zip(keys, (1, 2, 3), strict=True),
        ]
        count = text("SELECT count(*) FROM face WHERE identity_id = :id")
        assert session.scalar(count, {"id": own.id}) == 3


def test_what_is_read_of_a_new_face_is_what_was_returned(database: Database) -> None:
    with database.transaction() as session:
        model = models.register(session, MODEL, 4)
        [added] = faces.add(session, person(session, "own").id, [one_face(1)], {MODEL: model})
        stored = faces.get(session, added.identity_id, added.id)

        columns = [column.key for column in tables.Face.__mapper__.column_attrs]
        assert [getattr(stored, c) for c in columns] == [getattr(added, c) for c in columns]
