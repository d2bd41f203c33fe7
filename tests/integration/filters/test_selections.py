"""The selection of each process follows enrolments, changes of identities, moves and deletions."""

import tracemalloc
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from indexer.index.live import LiveIndex
from indexer.index.selections.selection import Selection
from indexer.records import changes, galleries, models
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identities
from indexer.records.filters import selected_people
from indexer.records.filters.people_filter import PeopleFilter
from indexer.records.tables import Gallery
from indexer.replica import selections as selections_module
from indexer.replica.selections import SelectionCache
from indexer.types import ChangeKind, Tier
from tests.support.enrolments import enrolment
from tests.support.vectors import empty_searcher

FILTERS: list[dict[str, Any]] = [
    {"metadata": {"site": "A"}},
    {"metadata": {"$not": {"site": {"$in": ["A", "B"]}}}},
    {"external_ids": ["0", "1", "2"]},
    {"anonymous": "exclude"},
    {"anonymous": "exclude", "metadata": {"$or": [{"site": {"$exists": False}}, {"site": "B"}]}},
]


def parsed(value: dict[str, Any]) -> PeopleFilter:
    people = PeopleFilter.parse(value)
    assert people is not None
    return people


@dataclass
class World:
    """A gallery, and whom it has: metadata, external id and anonymity by the number of the identity."""

    database: Database
    gallery_id: UUID
    people: dict[int, UUID] = field(default_factory=dict)
    photographs: int = 0

    def enrol(self, site: str | None, anonymous: bool) -> None:
        with self.database.transaction() as session:
            gallery = galleries.lock(session, self.gallery_id)
            model = {"m": models.register(session, "m", 8)}
            taken = {str(len(self.people))} if not anonymous else set()
            person = identities.create(
                session,
                gallery.id,
                external_id=None if anonymous else f"{next(iter(taken))}-{self.photographs}",
                name=None,
                metadata={} if site is None else {"site": site},
                anonymous=anonymous,
            )
            self.photographs += 1
            face = enrolment(self.photographs, {"m": np.eye(8, dtype=np.float32)[self.photographs % 8]})
            added = faces.add(session, person.id, [face], model)
            changes.append(session, gallery.id, ChangeKind.ENROL, [one.key for one in added])
            self.people[person.number] = person.id

    def update(self, which: int, values: dict[str, Any]) -> None:
        if not self.people:
            return
        number = sorted(self.people)[which % len(self.people)]
        with self.database.transaction() as session:
            galleries.lock(session, self.gallery_id)
            identities.update(session, identities.get(session, self.gallery_id, self.people[number]), values)

    def remove(self, which: int) -> None:
        if not self.people:
            return
        number = sorted(self.people)[which % len(self.people)]
        with self.database.transaction() as session:
            galleries.lock(session, self.gallery_id)
            keys = faces.remove_all(session, self.people[number])
            identities.remove(session, self.people.pop(number))
            changes.append(session, self.gallery_id, ChangeKind.DELETE, keys)

    def row(self) -> Gallery:
        with self.database.reading() as session:
            return galleries.by_ids(session, [self.gallery_id])[self.gallery_id]

    def expected(self, people: PeopleFilter) -> set[int]:
        with self.database.reading() as session:
            _, numbers = selected_people.read_all(session, self.gallery_id, people)
        chosen = set(numbers.tolist())
        return set(self.people) - chosen if people.is_anonymous_only else chosen & set(self.people)

    def selected(self, selection: Selection) -> set[int]:
        numbers = np.array(sorted(self.people), np.int64)
        return set(numbers[selection.has(numbers)].tolist())


def world(database: Database) -> World:
    with database.transaction() as session:
        return World(database, galleries.create(session, f"g{uuid4().hex}").id)


EMPTY = LiveIndex(empty_searcher(Tier.EXACT, 8))
SITES = st.sampled_from(["A", "B", "C", None])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enrol"), SITES, st.booleans()),
        st.tuples(st.just("move"), st.integers(0, 9), SITES),
        st.tuples(st.just("name"), st.integers(0, 9), st.sampled_from(["0", "1", "2"])),
        st.tuples(st.just("remove"), st.integers(0, 9)),
        st.tuples(st.just("search"), st.integers(0, 1), st.integers(0, len(FILTERS) - 1)),
    ),
    max_size=25,
)


@given(steps=STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_process_searches_among_whom_the_filter_selects_now(
    database: Database, steps: list[Any]
) -> None:
    one_gallery = world(database)
    processes = [SelectionCache(database), SelectionCache(database)]
    searches = [("search", p, f) for p in (0, 1) for f in range(len(FILTERS))]
    for kind, *details in [*steps, *searches]:
        match kind:
            case "enrol":
                one_gallery.enrol(*details)
            case "move":
                one_gallery.update(
                    details[0], {"metadata": {} if details[1] is None else {"site": details[1]}}
                )
            case "name":
                taken = []
                with database.reading() as session:
                    taken = [identities.find_by_external_id(session, one_gallery.gallery_id, details[1])]
                if taken == [None]:
                    one_gallery.update(details[0], {"external_id": details[1]})
            case "remove":
                one_gallery.remove(details[0])
            case "search":
                process, number = details
                people = parsed(FILTERS[number])
                selection, at = processes[process].caught_up(one_gallery.row(), people, EMPTY)
                assert one_gallery.selected(selection) == one_gallery.expected(people)
                assert at == one_gallery.row().change_number


def test_a_selection_of_another_history_is_read_again(database: Database) -> None:
    staff, cache, people = world(database), SelectionCache(database), parsed(FILTERS[0])
    staff.enrol("A", False)
    staff.enrol("B", False)
    cache.caught_up(staff.row(), people, EMPTY)
    with database.transaction() as session:  # as a backup is restored, and other changes are made
        session.execute(text('UPDATE identity SET metadata = \'{"site": "A"}\''))
        session.execute(text("UPDATE gallery SET change_token = gen_random_uuid()"))
        session.execute(text("UPDATE change SET token = gen_random_uuid(), predecessor = gen_random_uuid()"))

    selection, _ = cache.caught_up(staff.row(), people, EMPTY)

    assert staff.selected(selection) == set(staff.people)


def test_a_selection_whose_changes_were_pruned_is_read_again(database: Database) -> None:
    staff, cache, people = world(database), SelectionCache(database), parsed(FILTERS[0])
    staff.enrol("B", False)
    cache.caught_up(staff.row(), people, EMPTY)
    staff.update(0, {"metadata": {"site": "A"}})
    staff.enrol("A", False)
    with database.transaction() as session:
        session.execute(text("DELETE FROM change WHERE number <= 2"))

    selection, _ = cache.caught_up(staff.row(), people, EMPTY)

    assert staff.selected(selection) == set(staff.people)


def test_a_request_that_nothing_has_changed_for_asks_postgresql_nothing(database: Database) -> None:
    staff, cache, people = world(database), SelectionCache(database), parsed(FILTERS[0])
    staff.enrol("A", False)
    row = staff.row()
    first, _ = cache.caught_up(row, people, EMPTY)
    database.close()
    in_use = database.connections_in_use

    assert cache.caught_up(row, people, EMPTY)[0] is first
    assert database.connections_in_use == in_use == 0
    staff.enrol("B", False)
    assert cache.caught_up(staff.row(), people, EMPTY)[0] is first, "the people are the same"


def test_the_selections_that_were_not_used_for_the_longest_time_are_dropped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff, cache = world(database), SelectionCache(database)
    staff.enrol("A", False)
    row = staff.row()
    monkeypatch.setattr(selections_module, "MAX_FILTERS", 2)
    kept = [cache.caught_up(row, parsed(value), EMPTY)[0] for value in FILTERS[:3]]

    assert cache.caught_up(row, parsed(FILTERS[2]), EMPTY)[0] is kept[2]
    assert cache.caught_up(row, parsed(FILTERS[0]), EMPTY)[0] is not kept[0]


def test_filters_of_megabytes_are_not_remembered_themselves(database: Database) -> None:
    staff, cache = world(database), SelectionCache(database)
    row = staff.row()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(10):
            ids = [f"{number}-{one:05}-".ljust(200, "x") for one in range(5_000)]
            cache.caught_up(row, parsed({"external_ids": ids}), EMPTY)
            del ids
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after - before < 1_000_000
