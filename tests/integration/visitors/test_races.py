"""A stranger whom several processes see at the same moment is one visitor; and nobody's answer waits long."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import visitors
from indexer.records.people import reviews
from indexer.types import LivenessPolicy
from indexer.usecases.enrol import NewIdentity
from indexer.visitors.visit import Visit, VisitOutcome
from tests.support.faults.driven import Driven, Killed
from tests.support.faults.node import FURTHER, GALLERY, Node, embedding
from tests.support.faults.steps import COMMIT

CAMERAS = 16
"""Eight for each of two processes' engines."""


@pytest.fixture
def nodes(database: Database, migrated: str, tmp_path: Path) -> Iterator[list[Node]]:
    """Two engines, each with its own connections and its own index, as two processes have them."""
    with database.transaction() as session:
        galleries.create(session, GALLERY, remember_unknown=True)
    made = [Node(migrated, tmp_path / name, keeping=False) for name in ("one", "two")]
    yield made
    for node in made:
        node.close()


def at_once(calls: Sequence[Callable[[], Visit | None]]) -> list[Visit]:
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Visit | None]) -> Visit:
        start.wait()
        visit = call()
        assert visit is not None
        return visit

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def seen(node: Node) -> set[UUID]:
    gallery = node.gallery()
    with node.database.reading() as session:
        return {visitor.id for visitor in visitors.page(session, gallery.id, before=None, limit=100)}


def test_a_stranger_whom_many_see_at_once_is_one_visitor(nodes: list[Node]) -> None:
    for person in (1, 2, 3):

        def camera(number: int, person: int = person) -> Callable[[], Visit | None]:
            return lambda: nodes[number % 2].see(person + number * FURTHER)

        visits = at_once([camera(number) for number in range(CAMERAS)])

        outcomes = [visit.outcome for visit in visits]
        assert outcomes.count(VisitOutcome.NEW) == 1, outcomes
        assert len({visit.identity_id for visit in visits} - {None}) == 1
        assert len(seen(nodes[0])) == person
    with nodes[0].database.reading() as session:
        faces = session.execute(
            text("SELECT max(n) FROM (SELECT count(*) AS n FROM face GROUP BY identity_id) AS f")
        )
        assert faces.scalar_one() <= nodes[0].gallery().max_visitor_faces


def test_a_face_that_another_process_remembered_meanwhile_belongs_to_that_visitor(nodes: list[Node]) -> None:
    """Its kept probe as well, though the search matched nobody: it is forgotten with the visitor."""
    first = nodes[0].see(1)
    assert first is not None

    for photograph in (1, 1 + FURTHER):  # neither shows anything new
        visit = nodes[1].remember(photograph, [], threshold=0.5)
        assert visit == Visit(outcome=VisitOutcome.SEEN, identity_id=first.identity_id, face_id=first.face_id)


def test_a_face_that_resembles_a_group_most_does_not_become_one_of_a_visitor(nodes: list[Node]) -> None:
    """Also where the group was enrolled after the search."""
    node, photograph = nodes[0], 1 + 20 * FURTHER
    with node.database.transaction() as session:
        galleries.get(session, GALLERY).identify_fpir = 0.5
    node.see(1)
    node.enroller.create(GALLERY, NewIdentity(anonymous=True), [str(photograph).encode()])

    assert node.see(photograph) is None
    assert node.remember(photograph, [], threshold=0.5) is None


def test_a_face_that_was_judged_by_an_earlier_policy_of_liveness_leaves_no_visitor(nodes: list[Node]) -> None:
    node = nodes[0]
    searched = node.gallery()
    with node.database.transaction() as session:
        galleries.get(session, GALLERY).liveness = LivenessPolicy.REJECT

    assert node.remember(1, [], 0.5, searched) == Visit(outcome=VisitOutcome.SKIPPED)
    assert seen(node) == set()


def test_strangers_who_come_at_once_are_as_many_visitors_and_no_more_than_the_most(nodes: list[Node]) -> None:
    with nodes[0].database.transaction() as session:
        galleries.get(session, GALLERY).max_visitors = 5

    visits = at_once([lambda n=n: nodes[n % 2].see(n) for n in range(CAMERAS)])  # type: ignore[misc]

    assert {visit.outcome for visit in visits} <= {VisitOutcome.NEW, VisitOutcome.SKIPPED}
    assert len(seen(nodes[0])) == 5
    assert nodes[0].gallery().face_count == 5


def test_while_another_transaction_holds_the_gallery_the_search_is_answered_and_nobody_is_remembered(
    nodes: list[Node], database: Database
) -> None:
    node = nodes[0]
    node.see(1)
    with database.transaction() as session:
        galleries.lock(session, node.gallery().id)

        new, known = node.see(2), node.see(1)

    assert new == Visit(outcome=VisitOutcome.SKIPPED)
    assert known is not None
    assert known.outcome is VisitOutcome.SEEN
    assert len(seen(node)) == 1


def test_while_postgresql_takes_no_writes_the_search_is_answered(
    nodes: list[Node], migrated: str, tmp_path: Path
) -> None:
    nodes[0].see(1)
    read_only = "options=-c%20default_transaction_read_only%3Don"
    standby = Node(
        f"{migrated}{'&' if '?' in migrated else '?'}{read_only}", tmp_path / "standby", keeping=False
    )

    try:
        assert standby.see(1) == Visit(outcome=VisitOutcome.SKIPPED)
        assert standby.see(2) == Visit(outcome=VisitOutcome.SKIPPED)
    finally:
        standby.close()
    assert len(seen(nodes[0])) == 1


def test_a_gallery_that_stopped_remembering_meanwhile_remembers_nobody(nodes: list[Node]) -> None:
    node = nodes[0]
    before = node.gallery()
    with node.database.transaction() as session:
        galleries.get(session, GALLERY).remember_unknown = False

    node.gallery = lambda *_: before  # type: ignore[method-assign]  # as the request has read it
    assert node.see(1) is None
    assert seen(node) == set()


@pytest.mark.parametrize(
    ("step", "is_there"),
    [
        ("indexer.records.enrolled.visitors:add:after", False),
        ("indexer.records.enrolled.faces:add:after", False),
        ("indexer.records.changes:append:after", False),
        (f"{COMMIT}:before", False),
        (f"{COMMIT}:after", True),
        ("indexer.index.live:LiveIndex.apply:before", True),
    ],
)
def test_a_process_that_is_killed_leaves_a_whole_visitor_or_none(
    nodes: list[Node], migrated: str, tmp_path: Path, step: str, is_there: bool
) -> None:
    node = nodes[0]
    node.see(1)
    victim = Driven(migrated, tmp_path / "victim")
    assert victim.do("see", photograph=1) == "seen"
    victim.do("die", step=step)

    with pytest.raises(Killed):
        victim.do("see", photograph=2)

    again = node.see(2)
    assert again is not None
    assert again.outcome is (VisitOutcome.SEEN if is_there else VisitOutcome.NEW)
    assert len(seen(node)) == 2
    assert node.gallery().face_count == 2
    assert node.verify().clean


@pytest.mark.parametrize(("similarity", "is_reviewed"), [(0.26, True), (0.1, False)])
def test_a_new_visitor_who_nearly_matched_somebody_named_is_put_into_the_reviews(
    nodes: list[Node], similarity: float, is_reviewed: bool
) -> None:
    """Among one face, strangers reach 0.31 in one search of a hundred, and 0.2 in one of ten."""
    node = nodes[0]
    node.enrol(1)
    photograph = min(
        (1 + number * FURTHER for number in range(1, 400)),
        key=lambda one: abs(float(embedding(one) @ embedding(1)) - similarity),
    )

    visit = node.see(photograph)

    assert visit is not None
    assert visit.outcome is VisitOutcome.NEW
    with node.database.reading() as session:
        found = reviews.page(session, node.gallery().id, state=None, after=None, limit=10)
    assert len(found) == is_reviewed
    assert all(review.kind == "doubtful_match" for review in found)
