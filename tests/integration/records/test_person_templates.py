"""Person templates follow a person's faces, and an index that replays the log equals one that is built."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from indexer.errors import EmbeddingsMissing
from indexer.records import changes, galleries, models
from indexer.records.database.session import Database
from indexer.records.enrolled import person_templates, template_vectors
from indexer.records.tables import Gallery
from indexer.types import LOG_START, PersonScore
from indexer.usecases import delete
from tests.support.indexed_people import (
    DIMENSION,
    MODEL,
    add,
    built,
    catch_up,
    empty,
    new_person,
    template_of,
)

OTHER = "some-model-2"


@pytest.fixture
def gallery(database: Database) -> Gallery:
    with database.transaction() as session:
        return galleries.create(session, "staff")


def rows(database: Database, gallery: Gallery, by: str = MODEL) -> list[tuple[int, list[float]]]:
    """The templates of an index that replays the whole log: identity number and vector."""
    with database.reading() as session:
        index = catch_up(session, gallery, empty(), by)
    return [
        (int(-owner), vector.tolist())
        for _, vectors, owners in index.searcher.contents()
        for owner, vector in zip(owners, vectors, strict=True)
        if owner < 0
    ]


def test_a_person_has_a_template_from_the_second_face_on_and_until_one_is_left(
    database: Database, gallery: Gallery
) -> None:
    person = new_person(database, gallery)
    ids = add(database, gallery, person, 1)
    assert rows(database, gallery) == []

    ids += add(database, gallery, person, 2)
    [(_, vector)] = rows(database, gallery)
    assert vector == template_of(1, 2).tolist()

    ids += add(database, gallery, person, 3)
    assert [vector for _, vector in rows(database, gallery)] == [template_of(1, 2, 3).tolist()]

    delete.remove_face(database, gallery.name, person, ids[0])
    assert [vector for _, vector in rows(database, gallery)] == [template_of(2, 3).tolist()]

    delete.remove_face(database, gallery.name, person, ids[1])
    assert rows(database, gallery) == []


def test_templates_are_not_counted_as_faces_of_the_gallery(database: Database, gallery: Gallery) -> None:
    person = new_person(database, gallery)
    add(database, gallery, person, 1, 2, 3)
    add(database, gallery, person, 4)

    with database.reading() as session:
        row = galleries.get(session, gallery.name)
        index = catch_up(session, row, empty())
    assert row.face_count == 4
    assert (index.faces, index.count) == (4, 5)
    assert row.change_number == 4 + 2 + 1, "faces, templates, and the deletion of the first template"


def test_a_deleted_person_leaves_no_template(database: Database, gallery: Gallery) -> None:
    person = new_person(database, gallery)
    add(database, gallery, person, 1, 2)

    delete.remove_identity(database, gallery.name, person)

    with database.reading() as session:
        assert catch_up(session, gallery, empty()).count == 0
        assert person_templates.count(session, gallery.id) == 0


def test_only_people_with_several_faces_lack_a_template(database: Database, gallery: Gallery) -> None:
    people = [new_person(database, gallery, str(number)) for number in range(4)]
    with database.transaction() as session:
        galleries.lock(session, gallery.id).person_score = PersonScore.NEAREST
    for number, (person, count) in enumerate(zip(people, (1, 2, 0, 3), strict=True)):
        if count:
            add(database, gallery, person, *range(10 * number + 1, 10 * number + 1 + count))

    def without(**options: Any) -> list[UUID]:
        with database.reading() as session:
            return list(person_templates.people_without(session, gallery.id, **options))

    assert without(at_most=9) == [people[1], people[3]]
    assert without(at_most=1) == [people[1]]
    assert without(at_most=9, after=people[1]) == [people[3]]


def test_an_index_that_knew_the_person_is_told_of_the_deletion(database: Database, gallery: Gallery) -> None:
    person = new_person(database, gallery)
    add(database, gallery, person, 1, 2)
    with database.reading() as session:
        index = catch_up(session, gallery, empty())
    assert index.count == 3

    delete.remove_identity(database, gallery.name, person)

    with database.reading() as session:
        assert catch_up(session, gallery, index).count == 0


def test_a_gallery_with_the_nearest_score_has_no_templates(database: Database) -> None:
    with database.transaction() as session:
        gallery = galleries.create(session, "plain", person_score=PersonScore.NEAREST)
    person = new_person(database, gallery)

    add(database, gallery, person, 1, 2, 3)

    assert rows(database, gallery) == []


def test_a_face_that_the_model_could_not_embed_is_left_out_of_the_mean(
    database: Database, gallery: Gallery
) -> None:
    person = new_person(database, gallery)
    add(database, gallery, person, 1, 2, 3)
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE embedding SET vector = NULL, problem = 'none'"
                " WHERE face_key = (SELECT min(key) FROM face)"
            )
        )
    assert [vector for _, vector in rows(database, gallery)] == [template_of(2, 3).tolist()]

    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE embedding SET vector = NULL, problem = 'none'"
                " WHERE face_key <> (SELECT max(key) FROM face)"
            )
        )
    assert rows(database, gallery) == []


def test_a_template_is_not_made_of_a_part_of_the_faces_while_another_model_embeds_them(
    database: Database, gallery: Gallery
) -> None:
    person = new_person(database, gallery)
    add(database, gallery, person, 1)
    with database.transaction() as session:
        other = models.register(session, OTHER, DIMENSION)
        session.execute(
            text(
                "INSERT INTO embedding (face_key, model_id, vector)"
                " SELECT face_key, :other, vector FROM embedding"
            ),
            {"other": other},
        )
    with database.reading() as session:
        index = catch_up(session, gallery, empty(), OTHER)

    add(database, gallery, person, 2, by=MODEL)

    with database.reading() as session, pytest.raises(EmbeddingsMissing):
        catch_up(session, gallery, index, OTHER)
    with database.repeatable_read() as session, pytest.raises(EmbeddingsMissing) as raised:
        built(session, gallery, OTHER)
    assert raised.value.details["faces"] == 1


def test_a_face_of_another_gallery_with_the_key_of_a_template_is_not_taken_for_it(
    database: Database, gallery: Gallery
) -> None:
    person = new_person(database, gallery)
    add(database, gallery, person, 1, 2)
    with database.transaction() as session:
        other = galleries.create(session, "other")
    stranger = new_person(database, other)
    add(database, other, stranger, 7)
    with database.transaction() as session:
        key = session.scalar(text("SELECT key FROM person_template"))
        for statement in (
            "ALTER TABLE embedding DROP CONSTRAINT embedding_face_key_fkey",
            "UPDATE embedding SET face_key = :key WHERE face_key ="
            " (SELECT max(key) FROM face WHERE identity_id = :stranger)",
            "UPDATE face SET key = :key WHERE identity_id = :stranger",
            "ALTER TABLE embedding ADD CONSTRAINT embedding_face_key_fkey FOREIGN KEY (face_key)"
            " REFERENCES face (key) ON DELETE CASCADE",
        ):
            session.execute(text(statement), {"key": key, "stranger": stranger} if ":" in statement else {})

    assert [vector for _, vector in rows(database, gallery)] == [template_of(1, 2).tolist()]


def test_a_tail_that_was_read_before_a_template_was_replaced_applies_to_the_same_index(
    database: Database, gallery: Gallery
) -> None:
    """The reader has the change of the old template, and reads its vector after it is gone."""
    person = new_person(database, gallery)
    add(database, gallery, person, 1, 2)
    with database.reading() as session:
        early = changes.read_after(session, gallery.id, LOG_START, MODEL)
    add(database, gallery, person, 3)
    with database.reading() as session:
        late = changes.read_after(session, gallery.id, LOG_START, MODEL)
        followed, replayed = empty(), empty()
        followed.apply(early)
        catch_up(session, gallery, followed)
        replayed.apply(late)
    assert followed.digest == replayed.digest
    assert followed.count == replayed.count == 4


def test_faces_of_one_person_enrolled_at_the_same_time_make_one_template_of_all(
    database: Database, gallery: Gallery
) -> None:
    person = new_person(database, gallery)
    begin = threading.Barrier(4)

    def enrol(worker: int) -> None:
        begin.wait()
        for number in range(5):
            add(database, gallery, person, 10 * worker + number + 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enrol, range(4)))

    with database.reading() as session:
        keys = session.execute(text("SELECT image_sha256 FROM face ORDER BY key")).scalars().all()
    order = [int.from_bytes(digest, "big") for digest in keys]
    assert len(order) == 20
    assert [vector for _, vector in rows(database, gallery)] == [template_of(*order).tolist()]


def test_templates_of_more_people_than_a_query_reads_are_all_read(
    database: Database, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_vectors, "_TEMPLATES_OF_A_QUERY", 2)
    for number, count in enumerate((2, 7, 1, 3, 2)):
        person = new_person(database, gallery, str(number))
        add(database, gallery, person, *range(10 * number + 1, 10 * number + 1 + count))

    assert [vector for _, vector in rows(database, gallery)] == [
        template_of(*range(10 * number + 1, 10 * number + 1 + count)).tolist()
        for number, count in enumerate((2, 7, 1, 3, 2))
        if count > 1
    ]
