"""Person templates follow a person's faces, and an index that replays the log equals one that is built."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from indexer.errors import EmbeddingsMissing
from indexer.index.build import RecallRequirement, build
from indexer.index.live import LiveIndex
from indexer.mean_template import mean_templates
from indexer.records import changes, enrolled, faces, galleries, identities, models, person_templates
from indexer.records.database.session import Database, Session
from indexer.records.tables import Gallery
from indexer.types import LOG_START, ChangeKind, LogPosition, PersonScore, Tier, Vectors
from indexer.usecases import delete
from tests.support.enrolments import enrolment
from tests.support.vectors import empty_searcher, unit_vectors

MODEL, OTHER = "some-model-1", "some-model-2"
DIMENSION = 8
REQUIREMENT = RecallRequirement(genuine_cosines=[0.4, 0.9], threshold=0.5, min_recall=0.0)


@pytest.fixture
def gallery(database: Database) -> Gallery:
    with database.transaction() as session:
        return galleries.create(session, "staff")


def unit(number: int) -> Vectors:
    vector: Vectors = unit_vectors(number, 1, DIMENSION)[0]
    return vector


def new_person(database: Database, gallery: Gallery, external_id: str = "1") -> UUID:
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        made = identities.create(session, gallery.id, external_id=external_id, name=None, metadata={})
        return made.id


def add(database: Database, gallery: Gallery, person: UUID, *numbers: int, by: str = MODEL) -> list[UUID]:
    """Enrols faces whose vectors are `unit` of the numbers, as the use case does; returns their ids."""
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        model = models.register(session, by, DIMENSION)
        new = [enrolment(number, {by: unit(number)}) for number in numbers]
        added = faces.add(session, person, new, {by: model})
        templates = person_templates.replace(session, gallery.id, [person])
        changes.append(session, gallery.id, ChangeKind.ENROL, [face.key for face in added], templates)
        return [face.id for face in added]


def template_of(*numbers: int) -> Vectors:
    templates, have = mean_templates(np.array([unit(number) for number in numbers]), np.array([0]))
    assert have[0]
    vector: Vectors = templates[0]
    return vector


def built(session: Session, gallery: Gallery, by: str = MODEL) -> LiveIndex:
    """As a start makes it."""
    position = LOG_START

    def feed(take: object) -> None:
        nonlocal position
        position = enrolled.read_enrolled(session, gallery.id, by, take)  # type: ignore[arg-type]

    result = build(Tier.EXACT, DIMENSION, feed, REQUIREMENT)
    return LiveIndex(result.searcher, position=position, digest=result.digest)


def empty() -> LiveIndex:
    return LiveIndex(empty_searcher(Tier.EXACT, DIMENSION))


def catch_up(session: Session, gallery: Gallery, index: LiveIndex, by: str = MODEL) -> LiveIndex:
    while tail := changes.read_after(session, gallery.id, index.position, by):
        index.apply(tail)
    return index


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
    monkeypatch.setattr(person_templates, "_TEMPLATES_OF_A_QUERY", 2)
    for number, count in enumerate((2, 7, 1, 3, 2)):
        person = new_person(database, gallery, str(number))
        add(database, gallery, person, *range(10 * number + 1, 10 * number + 1 + count))

    assert [vector for _, vector in rows(database, gallery)] == [
        template_of(*range(10 * number + 1, 10 * number + 1 + count)).tolist()
        for number, count in enumerate((2, 7, 1, 3, 2))
        if count > 1
    ]


class AnyFaces(RuleBasedStateMachine):
    """Faces come and go; an index that follows and one that is built have the same rows."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        with database.transaction() as session:
            session.execute(text("TRUNCATE gallery CASCADE"))
            self._gallery = galleries.create(session, "staff")
        self._people: dict[UUID, dict[UUID, int]] = {}
        """The number of each face by its id, by person."""
        self._numbers = 0
        self._lagging = empty()

    def _new(self, count: int) -> list[int]:
        self._numbers += count
        return list(range(self._numbers - count + 1, self._numbers + 1))

    @rule(count=st.integers(0, 3))
    def create(self, count: int) -> None:
        person = new_person(self._database, self._gallery, str(uuid4()))
        self._people[person] = {}
        self._add(person, count)

    @precondition(lambda self: self._people)
    @rule(data=st.data(), count=st.integers(1, 3))
    def enrol(self, data: st.DataObject, count: int) -> None:
        self._add(data.draw(st.sampled_from(sorted(self._people))), count)

    def _add(self, person: UUID, count: int) -> None:
        if count:
            new = self._new(count)
            ids = add(self._database, self._gallery, person, *new)
            self._people[person] |= dict(zip(ids, new, strict=True))

    @precondition(lambda self: any(self._people.values()))
    @rule(data=st.data())
    def delete_a_face(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(sorted(p for p, own in self._people.items() if own)))
        face = data.draw(st.sampled_from(sorted(self._people[person])))
        delete.remove_face(self._database, self._gallery.name, person, face)
        del self._people[person][face]

    @precondition(lambda self: self._people)
    @rule(data=st.data())
    def delete_a_person(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(sorted(self._people)))
        delete.remove_identity(self._database, self._gallery.name, person)
        del self._people[person]

    @rule(most=st.integers(1, 4))
    def follow_a_little(self, most: int) -> None:
        with self._database.reading() as session:
            tail = changes.read_after(session, self._gallery.id, self._lagging.position, MODEL)
        self._lagging.apply(tail[:most])

    @invariant()
    def all_indexes_have_the_faces_and_the_means(self) -> None:
        with self._database.repeatable_read() as session:
            fresh = built(session, self._gallery)
            replayed = catch_up(session, self._gallery, empty())
            copy = _copy_of(self._lagging)
            followed = catch_up(session, self._gallery, copy)
        wanted = [unit(number).tolist() for own in self._people.values() for number in own.values()]
        wanted += [template_of(*own.values()).tolist() for own in self._people.values() if len(own) > 1]
        found = [vector.tolist() for _, vectors, _ in fresh.searcher.contents() for vector in vectors]
        assert sorted(found) == sorted(wanted)
        assert fresh.digest == replayed.digest == followed.digest
        assert fresh.position == replayed.position == followed.position


def _copy_of(index: LiveIndex) -> LiveIndex:
    copy = empty()
    for keys, vectors, owners in index.searcher.contents():
        copy.searcher.add(keys, vectors, owners)
        copy._digest.add(keys, vectors)
    copy._position = LogPosition(number=index.position.number, token=index.position.token)
    return copy


def test_after_any_changes_every_index_has_the_same_templates(database: Database) -> None:
    run_state_machine_as_test(
        lambda: AnyFaces(database),  # type: ignore[arg-type]
        settings=settings(
            max_examples=8,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
