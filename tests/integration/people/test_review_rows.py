"""Rows of reviews and of people known to be different: what is added, what is ignored, what is erased."""

from uuid import UUID, uuid4

import pytest

from indexer.errors import ReviewNotFound
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import identities
from indexer.records.people import distinct, reviews
from indexer.records.people.reviews import ReviewKind, ReviewState
from indexer.records.tables import Gallery
from indexer.usecases import delete


@pytest.fixture
def gallery(database: Database) -> Gallery:
    with database.transaction() as session:
        return galleries.create(session, "staff")


def person(database: Database, gallery: Gallery) -> UUID:
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        return identities.create(session, gallery.id, external_id=None, name=None, metadata={}).id


def add(database: Database, gallery: Gallery, one: UUID, other: UUID) -> UUID | None:
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        return reviews.add(
            session,
            gallery.id,
            ReviewKind.DUPLICATE,
            identity_id=one,
            other_id=other,
            score=0.7,
            threshold=0.4,
        )


def states(database: Database, gallery: Gallery) -> list[str]:
    with database.reading() as session:
        return [row.state for row in reviews.page(session, gallery.id, state=None, after=None, limit=10)]


def test_a_pair_with_an_open_review_gets_no_second_one_in_either_order(
    database: Database, gallery: Gallery
) -> None:
    one, other = person(database, gallery), person(database, gallery)

    assert add(database, gallery, one, other) is not None
    assert add(database, gallery, one, other) is None
    assert add(database, gallery, other, one) is None
    assert states(database, gallery) == ["open"]


def test_a_pair_that_is_known_to_be_distinct_gets_no_review(database: Database, gallery: Gallery) -> None:
    one, other, third = (person(database, gallery) for _ in range(3))
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        pair = distinct.pair_of(other, one)
        assert distinct.add(session, gallery.id, [pair]) == {pair}
        assert distinct.add(session, gallery.id, [pair]) == set()

    assert add(database, gallery, one, other) is None
    assert add(database, gallery, other, one) is None
    assert add(database, gallery, one, third) is not None
    with database.reading() as session:
        assert distinct.others_of(session, one) == [other]
        assert distinct.others_of(session, other) == [one]
        assert distinct.others_of(session, third) == []


def test_a_decided_pair_gets_a_new_review_unless_it_is_known_to_be_distinct(
    database: Database, gallery: Gallery
) -> None:
    one, other = person(database, gallery), person(database, gallery)
    review_id = add(database, gallery, one, other)
    assert review_id is not None
    with database.transaction() as session:
        review = reviews.get(session, gallery.id, review_id)
        reviews.decide(session, review, ReviewState.DIFFERENT, "somebody", None)

    assert add(database, gallery, one, other) is not None
    assert states(database, gallery) == ["different", "open"]


def test_a_deleted_identity_leaves_neither_a_review_nor_a_pair(database: Database, gallery: Gallery) -> None:
    one, other, third = (person(database, gallery) for _ in range(3))
    review_id = add(database, gallery, one, other)
    assert review_id is not None
    kept = add(database, gallery, other, third)
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        distinct.add(session, gallery.id, [distinct.pair_of(one, third), distinct.pair_of(other, third)])

    delete.remove_identity(database, gallery.name, one)

    with database.reading() as session:
        assert [row.id for row in reviews.page(session, gallery.id, state=None, after=None, limit=9)] == [
            kept
        ]
        assert distinct.others_of(session, third) == [other]
        with pytest.raises(ReviewNotFound):
            reviews.get(session, gallery.id, review_id)


def test_a_gallery_finds_no_review_of_another_gallery(database: Database, gallery: Gallery) -> None:
    review_id = add(database, gallery, person(database, gallery), person(database, gallery))
    assert review_id is not None

    with database.reading() as session, pytest.raises(ReviewNotFound):
        reviews.get(session, uuid4(), review_id)


def test_pages_of_reviews_follow_each_other(database: Database, gallery: Gallery) -> None:
    first = person(database, gallery)
    made = [add(database, gallery, first, person(database, gallery)) for _ in range(3)]

    with database.reading() as session:
        page = reviews.page(session, gallery.id, state=ReviewState.OPEN, after=None, limit=2)
        rest = reviews.page(session, gallery.id, state=ReviewState.OPEN, after=page[-1].id, limit=2)
        decided = reviews.page(session, gallery.id, state=ReviewState.SAME, after=None, limit=2)
    assert [row.id for row in [*page, *rest]] == made
    assert decided == []
