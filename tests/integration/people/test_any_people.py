"""Whatever is enrolled, deleted, merged, split, moved and undone, every index has the same rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

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

from indexer.errors import IdentityMerged
from indexer.index.live import LiveIndex
from indexer.records import changes, galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import faces
from indexer.types import LogPosition
from indexer.usecases import delete
from indexer.usecases.enrol import NewIdentity
from indexer.usecases.people.merge import merge
from indexer.usecases.people.split import move, split
from indexer.usecases.people.undo import undo
from tests.support.indexed_people import MODEL, add, built, catch_up, empty, new_person, template_of, unit


@dataclass
class Done:
    """A merge, split or move that can be undone."""

    kind: str
    one: UUID
    other: UUID
    faces: list[UUID]
    dropped: dict[UUID, int] = field(default_factory=dict)


class AnyPeople(RuleBasedStateMachine):
    """Faces and people come, go and are regrouped; an index that follows and one that is built have the
    same rows."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        with database.transaction() as session:
            session.execute(text("TRUNCATE gallery CASCADE"))
            self._gallery = galleries.create(session, "staff")
        self._people: dict[UUID, dict[UUID, int]] = {}
        """The number of each face by its id, by person."""
        self._done: dict[UUID, Done] = {}
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
        gone = {person}
        while more := {d.other for d in self._done.values() if d.kind == "merge" and d.one in gone} - gone:
            gone |= more
        self._done = {key: d for key, d in self._done.items() if not {d.one, d.other} & gone}

    @precondition(lambda self: any(self._people.values()) and len(self._people) > 1)
    @rule(data=st.data())
    def enrol_a_photograph_of_somebody_else(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(sorted(self._people)))
        known = {number for own in self._people.values() for number in own.values()}
        if new := sorted(known - set(self._people[person].values())):
            number = data.draw(st.sampled_from(new))
            [face] = add(self._database, self._gallery, person, number)
            self._people[person][face] = number

    @precondition(lambda self: len(self._people) > 1)
    @rule(data=st.data())
    def merge_two(self, data: st.DataObject) -> None:
        one, other = data.draw(st.permutations(sorted(self._people)))[:2]
        change = merge(self._database, self._gallery.name, one, other, although_distinct=True)
        own = self._people[one]
        dropped = {f: n for f, n in self._people[other].items() if n in own.values()}
        moved = [face for face in self._people[other] if face not in dropped]
        self._pass(moved, other, one)
        del self._people[other]
        self._done[change.id] = Done("merge", one, other, moved, dropped)

    @precondition(lambda self: any(self._people.values()))
    @rule(data=st.data())
    def split_one(self, data: st.DataObject) -> None:
        one, chosen = self._choose(data)
        change = split(self._database, self._gallery.name, one, chosen, NewIdentity(external_id=str(uuid4())))
        self._people[change.other_id] = {}
        self._pass(chosen, one, change.other_id)
        self._done[change.id] = Done("split", one, change.other_id, chosen)

    @precondition(lambda self: any(self._people.values()) and len(self._people) > 1)
    @rule(data=st.data())
    def move_faces(self, data: st.DataObject) -> None:
        one, chosen = self._choose(data)
        other = data.draw(st.sampled_from(sorted(set(self._people) - {one})))
        chosen = [f for f in chosen if self._people[one][f] not in self._people[other].values()]
        if chosen:
            change = move(self._database, self._gallery.name, one, chosen, other)
            self._pass(chosen, one, other)
            self._done[change.id] = Done("move", one, other, chosen)

    @precondition(lambda self: self._done)
    @rule(data=st.data())
    def undo_one(self, data: st.DataObject) -> None:
        change_id = data.draw(st.sampled_from(sorted(self._done)))
        done = self._done[change_id]
        needed = {done.one} if done.kind == "merge" else {done.one, done.other}
        if not needed <= set(self._people):
            with pytest.raises(IdentityMerged):
                undo(self._database, self._gallery.name, change_id)
            return
        undone = undo(self._database, self._gallery.name, change_id)
        del self._done[change_id]
        before = sum(map(len, self._people.values()))
        if done.kind == "merge":
            self._people[done.other] = {}
            returned = [face for face in done.faces if face in self._people[done.one]]
            self._pass(returned, done.one, done.other)
            copies = {f: n for f, n in done.dropped.items() if n in self._people[done.one].values()}
            self._people[done.other] |= copies
            assert sum(map(len, self._people.values())) == before + len(copies)
        else:
            known = self._people[done.one].values()
            returned = [f for f in done.faces if f in self._people[done.other]]
            returned = [f for f in returned if self._people[done.other][f] not in known]
            copies = {}
            self._pass(returned, done.other, done.one)
            needed_by = {key for d in self._done.values() for key in (d.one, d.other)}
            if done.kind == "split" and not self._people[done.other] and done.other not in needed_by:
                del self._people[done.other]
        assert undone.faces == len(returned) + len(copies)
        assert undone.faces_left == len(done.faces) + len(done.dropped) - undone.faces

    def _choose(self, data: st.DataObject) -> tuple[UUID, list[UUID]]:
        """A person with faces, and some of them."""
        one = data.draw(st.sampled_from(sorted(p for p, own in self._people.items() if own)))
        return one, data.draw(st.lists(st.sampled_from(sorted(self._people[one])), min_size=1, unique=True))

    def _pass(self, chosen: Iterable[UUID], one: UUID, other: UUID) -> None:
        """They keep their order among each other, and follow the faces that the other person has."""
        for face in [face for face in self._people[one] if face in set(chosen)]:
            self._people[other][face] = self._people[one].pop(face)

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
        with self._database.reading() as session:
            owned = faces.list_first(session, list(self._people), 1_000)
        assert {p: [f.id for f in own] for p, own in owned.items()} == {
            p: list(own) for p, own in self._people.items()
        }
        assert fresh.digest == replayed.digest == followed.digest
        assert fresh.position == replayed.position == followed.position


def _copy_of(index: LiveIndex) -> LiveIndex:
    copy = empty()
    for keys, vectors, owners in index.searcher.contents():
        copy.searcher.add(keys, vectors, owners)
        copy._digest.add(keys, vectors)
    copy._position = LogPosition(number=index.position.number, token=index.position.token)
    return copy


def test_after_any_changes_every_index_has_the_same_faces_and_templates(database: Database) -> None:
    run_state_machine_as_test(
        lambda: AnyPeople(database),  # type: ignore[arg-type]
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
