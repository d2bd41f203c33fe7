"""Decides reviews: the two are the same person, or different people."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from indexer.callers import current_caller
from indexer.errors import InvalidRequest, ReviewDecided
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.people import distinct, reviews
from indexer.records.people.reviews import ReviewState
from indexer.records.tables import Gallery, Review
from indexer.usecases.people.merge import Field, merge_within
from indexer.usecases.people.regrouping import PeopleChange, locked
from indexer.usecases.people.undo import undo_within


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    review: Review
    change: PeopleChange | None
    """The merge, or its undo."""


def same(
    database: Database,
    gallery_name: str,
    review_id: UUID,
    *,
    keep: UUID | None = None,
    take: Collection[Field] = (),
) -> Decision:
    """Merges the two. `keep`: the one that remains, by default the one that was created first.

    Raises GalleryNotFound, ReviewNotFound, ReviewDecided, InvalidRequest, and what `merge` raises.
    """
    with locked(database, gallery_name) as (session, gallery):
        review = _open(session, gallery, review_id)
        pair = distinct.pair_of(review.identity_id, review.other_id)  # ids are in the order of creation
        kept = pair[0] if keep is None else keep
        if kept not in pair:
            raise InvalidRequest("keep is neither of the two identities of the review", field="keep")
        [other] = set(pair) - {kept}
        change = merge_within(session, gallery, kept, other, take=take)
        return _decided(session, gallery, review, change)


def different(database: Database, gallery_name: str, review_id: UUID) -> Decision:
    """Remembers that the two are different people: no duplicate is reported for them again.

    Raises GalleryNotFound, ReviewNotFound, ReviewDecided.
    """
    with locked(database, gallery_name) as (session, gallery):
        review = _open(session, gallery, review_id)
        distinct.add(session, gallery.id, [distinct.pair_of(review.identity_id, review.other_id)])
        reviews.decide(session, review, ReviewState.DIFFERENT, current_caller.get().name, None)
        return _decided(session, gallery, review, None)


def reopen(database: Database, gallery_name: str, review_id: UUID) -> Decision:
    """Undoes the decision: the merge, or that the two are different people.

    Raises GalleryNotFound, ReviewNotFound, ReviewDecided (it is open), and what `undo` raises.
    """
    with locked(database, gallery_name) as (session, gallery):
        review = reviews.get(session, gallery.id, review_id)
        if review.state == ReviewState.OPEN:
            raise ReviewDecided("this review is open", id=str(review_id), state=review.state)
        if review.change_id is not None:
            change = undo_within(session, gallery, review.change_id)
            return _decided(session, gallery, review, change)
        distinct.remove(session, [distinct.pair_of(review.identity_id, review.other_id)])
        reviews.reopen(session, review)
        return _decided(session, gallery, review, None)


def _open(session: Session, gallery: Gallery, review_id: UUID) -> Review:
    review = reviews.get(session, gallery.id, review_id)
    if review.state != ReviewState.OPEN:
        raise ReviewDecided(
            f"this review was decided already: {review.state}", id=str(review_id), state=review.state
        )
    return review


def _decided(session: Session, gallery: Gallery, review: Review, change: PeopleChange | None) -> Decision:
    review = reviews.get(session, gallery.id, review.id)  # a merge and its undo write it
    event = AuditEvent(
        action=Action.REVIEW_DECIDED,
        gallery=gallery.name,
        identity_id=review.identity_id,
        details={"review": str(review.id), "other": str(review.other_id), "state": review.state},
    )
    record(session, event)
    return Decision(review=review, change=change)
