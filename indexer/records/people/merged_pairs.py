"""Reviews and distinct people follow a merge, and return when it is undone."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.records.people import distinct, reviews
from indexer.records.people.person_changes import PairsBefore
from indexer.records.people.reviews import ReviewState
from indexer.records.tables import Identity, Review


def follow(
    session: Session, gallery_id: UUID, *, merged_id: UUID, into_id: UUID, change_id: UUID, by: str
) -> PairsBefore:
    """Call it before the merged identity's row is deleted, under the gallery's lock.

    Reviews of the two are decided: they are the same. Of other pairs `into_id` takes the place of
    `merged_id`; an open review is deleted where the pair has one already or is now known to be distinct.
    """
    others = distinct.others_of(session, merged_id)
    added = distinct.add(
        session, gallery_id, [distinct.pair_of(into_id, other) for other in others if other != into_id]
    )
    new = [one if other == into_id else other for one, other in added]
    rows = session.scalars(_of(merged_id)).all()
    open_rows = session.scalars(_of(into_id).where(Review.state == ReviewState.OPEN)).all()
    reviewed = {_other(row, into_id) for row in open_rows} - {merged_id}
    known = set(distinct.others_of(session, into_id))
    before = []
    for row in rows:
        other = _other(row, merged_id)
        if other == into_id:
            before.append(reviews.row_of(row))
            reviews.decide(session, row, ReviewState.SAME, by, change_id)
        elif row.state == ReviewState.SAME:
            continue  # its other identity was merged into this one, and has no row
        elif row.state == ReviewState.OPEN and (other in reviewed or other in known):
            before.append(reviews.row_of(row))
            session.delete(row)
        else:
            before.append(reviews.row_of(row))
            row.identity_id, row.other_id = (
                (into_id, other) if row.identity_id == merged_id else (other, into_id)
            )
            if row.state == ReviewState.OPEN:
                reviewed.add(other)
    for row in open_rows:
        if _other(row, into_id) in new:
            before.append(reviews.row_of(row))
            session.delete(row)
    session.flush()
    return PairsBefore(reviews=before, distinct=list(others), added=new)


def restore(
    session: Session, gallery_id: UUID, before: PairsBefore, *, merged_id: UUID, into_id: UUID
) -> None:
    """Call it when the merged identity has its row again. What concerns identities that were deleted or
    merged since is left out."""
    distinct.remove(session, [distinct.pair_of(into_id, other) for other in before.added])
    existing = _existing(session, gallery_id, before.distinct)
    distinct.add(session, gallery_id, [distinct.pair_of(merged_id, other) for other in existing])
    ids = {one for row in before.reviews for one in (row.identity_id, row.other_id)}
    there = _existing(session, gallery_id, ids)
    for row in before.reviews:
        pair = {row.identity_id, row.other_id}
        if not pair <= there:
            continue
        if row.state == ReviewState.OPEN:
            session.execute(
                delete(Review).where(
                    Review.identity_id.in_(pair),
                    Review.other_id.in_(pair),
                    Review.state == ReviewState.OPEN,
                    Review.id != row.id,
                )
            )
        values = asdict(row) | {"gallery_id": gallery_id}
        statement = insert(Review).values(values)
        session.execute(statement.on_conflict_do_update(index_elements=[Review.id], set_=values))


def remove_reviews(session: Session, identity_id: UUID) -> None:
    """Of an identity that is deleted because the split that made it is undone."""
    session.execute(
        delete(Review).where(or_(Review.identity_id == identity_id, Review.other_id == identity_id))
    )


def _of(identity_id: UUID) -> Any:
    return (
        select(Review)
        .where(or_(Review.identity_id == identity_id, Review.other_id == identity_id))
        .order_by(Review.id)
    )


def _other(review: Review, identity_id: UUID) -> UUID:
    return review.other_id if review.identity_id == identity_id else review.identity_id


def _existing(session: Session, gallery_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    return set(
        session.scalars(select(Identity.id).where(Identity.gallery_id == gallery_id, Identity.id.in_(ids)))
    )
