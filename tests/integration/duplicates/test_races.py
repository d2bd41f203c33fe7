"""Two requests that enrol one person at the same moment do not both pass, in whatever process."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from indexer.errors import DuplicateIdentity, GemelError, IndexNotReady
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.types import DuplicateCheck
from indexer.usecases.enrol import NewIdentity
from tests.support.faults.node import FURTHER, GALLERY, Node, embedding

CLIENTS = 16
"""Eight for each of two processes' engines."""


@pytest.fixture
def nodes(database: Database, migrated: str, tmp_path: Path) -> Iterator[list[Node]]:
    """Two engines, each with its own connections and its own index, as two processes have them."""
    with database.transaction() as session:
        galleries.create(session, GALLERY, duplicate_check=DuplicateCheck.REJECT)
    made = [Node(migrated, tmp_path / name, keeping=False) for name in ("one", "two")]
    yield made
    for node in made:
        node.close()


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    """What each of the calls returned, or Gemel's error that it raised."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        start.wait()
        try:
            return call()
        except GemelError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def enrolment(node: Node, photograph: int, gallery: str = GALLERY) -> Callable[[], object]:
    def enrol() -> object:
        return node.enroller.create(
            gallery, NewIdentity(external_id=str(uuid4())), [str(photograph).encode()]
        )

    return enrol


@pytest.mark.parametrize("photographs", ["different", "the_same"])
def test_of_many_who_enrol_one_person_at_once_exactly_one_succeeds(
    nodes: list[Node], photographs: str
) -> None:
    for person in range(3):
        step = FURTHER if photographs == "different" else 0
        outcomes = at_once(
            [enrolment(nodes[number % 2], person + number * step) for number in range(CLIENTS)]
        )

        rejected = [outcome for outcome in outcomes if isinstance(outcome, DuplicateIdentity)]
        assert len(rejected) == CLIENTS - 1, outcomes
        assert nodes[0].gallery().face_count == person + 1


def test_people_who_do_not_resemble_each_other_are_all_enrolled_at_once(nodes: list[Node]) -> None:
    outcomes = at_once([enrolment(nodes[person % 2], person) for person in range(CLIENTS)])

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert nodes[0].gallery().face_count == CLIENTS


def test_as_many_galleries_as_there_are_connections_but_one_are_checked_at_once(
    nodes: list[Node], database: Database
) -> None:
    """Each check holds a connection and needs another: they take turns, and none waits for ever."""
    node = nodes[0]
    names = [f"gallery-{number}" for number in range(node.database.pool_size - 1)]
    with database.transaction() as session:
        for name in names:
            galleries.create(session, name, duplicate_check=DuplicateCheck.REJECT)
    for name in names:
        enrolment(node, 1, name)()

    for person in (2, 3, 4):
        outcomes = at_once([enrolment(node, person, name) for name in names])
        assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []


def test_a_person_whom_another_process_deleted_can_be_enrolled_again(nodes: list[Node]) -> None:
    one, other = nodes
    one.enrol(1)
    with pytest.raises(DuplicateIdentity):
        enrolment(other, 1 + FURTHER)()

    one.delete(1)

    enrolment(other, 1 + FURTHER)()
    assert one.gallery().face_count == 1


def test_where_the_index_cannot_be_opened_in_time_nothing_is_enrolled(
    nodes: list[Node], migrated: str, tmp_path: Path
) -> None:
    nodes[0].enrol(1)
    before = nodes[0].gallery()
    hasty = Node(migrated, tmp_path / "hasty", keeping=False, patience_seconds=0.0)
    try:
        with pytest.raises(IndexNotReady):
            enrolment(hasty, 2)()
    finally:
        hasty.close()

    assert nodes[0].gallery().position == before.position


def test_a_person_with_a_template_is_found_by_the_fused_score(nodes: list[Node]) -> None:
    node = nodes[0]
    node.enrol(1)
    node.photograph(1, 1)
    node.photograph(1, 2)

    with pytest.raises(DuplicateIdentity) as raised:
        enrolment(node, 1 + 3 * FURTHER)()

    [found] = node.identifier.search(
        GALLERY, embedding(1 + 3 * FURTHER).tolist(), max_candidates=1
    ).candidates
    assert found.person.template_score is not None
    assert raised.value.details["candidates"][0]["score"] == round(found.score, 4)
