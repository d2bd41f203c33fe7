"""Reviews: pairs of identities of which a person decides whether they are the same."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.errors import ReviewNotFound
from indexer.records.people import distinct
from indexer.records.tables import Review


class ReviewKind(StrEnum):
    DUPLICATE = "duplicate"
    """A new person resembles one who is enrolled already."""
    DOUBTFUL_MATCH = "doubtful_match"
    """An unknown visitor may be somebody with a name."""


class ReviewState(StrEnum):
    OPEN = "open"
    SAME = "same"
    """They were merged."""
    DIFFERENT = "different"
    """They are known to be different people (`distinct`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """A row as it was, without its gallery."""

    id: UUID
    kind: str
    identity_id: UUID
    other_id: UUID
    score: float
    threshold: float
    state: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    change_id: UUID | None


def row_of(review: Review) -> ReviewRow:
    return ReviewRow(**{column.name: getattr(review, column.name) for column in fields(ReviewRow)})


def add(
    session: Session,
    gallery_id: UUID,
    kind: ReviewKind,
    *,
    identity_id: UUID,
    other_id: UUID,
    score: float,
    threshold: float,
) -> UUID | None:
    """The new review's id. None, and no review, where the pair has an open one or is known to be distinct.

    Both identities must exist: the caller holds the gallery's lock.
    """
    pair = distinct.pair_of(identity_id, other_id)
    if distinct.known(session, [pair]):
        return None
    review = Review(
        gallery_id=gallery_id,
        kind=kind,
        identity_id=identity_id,
        other_id=other_id,
        score=score,
        threshold=threshold,
    )
    return session.scalar(
        insert(Review)
        .values(
            id=review.id,
            gallery_id=gallery_id,
            kind=kind,
            identity_id=identity_id,
            other_id=other_id,
            score=score,
            threshold=threshold,
        )
        .on_conflict_do_nothing(
            index_elements=[text("least(identity_id, other_id)"), text("greatest(identity_id, other_id)")],
            index_where=text("state = 'open'"),
        )
        .returning(Review.id)
    )


def is_settled(session: Session, one: UUID, other: UUID) -> bool:
    """Whether the pair has an open review, or is known to be distinct."""
    pair = {one, other}
    open_review = select(Review.id).where(
        Review.state == ReviewState.OPEN, Review.identity_id.in_(pair), Review.other_id.in_(pair)
    )
    if session.scalar(open_review.limit(1)) is not None:
        return True
    return bool(distinct.known(session, [distinct.pair_of(one, other)]))


def get(session: Session, gallery_id: UUID, review_id: UUID) -> Review:
    """Raises ReviewNotFound."""
    review = session.scalar(
        select(Review)
        .where(Review.gallery_id == gallery_id, Review.id == review_id)
        .execution_options(populate_existing=True)
    )
    if review is None:
        raise ReviewNotFound(f"there is no review {review_id} in this gallery", id=str(review_id))
    return review


def page(
    session: Session,
    gallery_id: UUID,
    *,
    state: ReviewState | None,
    after: UUID | None,
    limit: int,
    identity_id: UUID | None = None,
) -> Sequence[Review]:
    """At most `limit` reviews after the id `after`, oldest first. `identity_id`: one of the two."""
    query = select(Review).where(Review.gallery_id == gallery_id)
    if state is not None:
        query = query.where(Review.state == state)
    if identity_id is not None:
        query = query.where(or_(Review.identity_id == identity_id, Review.other_id == identity_id))
    if after is not None:
        query = query.where(Review.id > after)
    return session.scalars(query.order_by(Review.id).limit(limit)).all()


def decide(session: Session, review: Review, state: ReviewState, by: str, change_id: UUID | None) -> None:
    """Sets the state; `by` is the caller's name, and `change_id` the merge of `same`."""
    now = session.scalar(select(func.now()))  # first: a query flushes new values
    review.state, review.decided_by, review.change_id, review.decided_at = state, by, change_id, now
    session.flush()


def reopen(session: Session, review: Review) -> None:
    review.state, review.decided_by, review.change_id, review.decided_at = ReviewState.OPEN, None, None, None
    session.flush()
