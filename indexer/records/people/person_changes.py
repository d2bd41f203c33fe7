"""Merges, splits and moves, with what it takes to undo them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import DateTime, func, or_, select, text
from sqlalchemy.orm import Session

from indexer.errors import PeopleChangeNotFound, PeopleChangeUndone
from indexer.records.people.moved_faces import DroppedFace
from indexer.records.people.reviews import ReviewRow
from indexer.records.tables import PersonChange


class ChangeOfPeople(StrEnum):
    MERGE = "merge"
    SPLIT = "split"
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedIdentity:
    """The row of an identity that was merged into another."""

    external_id: str | None
    name: str | None
    metadata: dict[str, Any]
    created_at: datetime
    anonymous: bool = False
    hidden: bool = False
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsBefore:
    """Reviews and distinct people that followed a merge."""

    reviews: list[ReviewRow] = field(default_factory=list)
    """Rows that were changed or deleted, as they were."""
    distinct: list[UUID] = field(default_factory=list)
    """From whom the merged identity was distinct."""
    added: list[UUID] = field(default_factory=list)
    """From whom the remaining identity became distinct."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a change replaced."""

    faces: list[UUID]
    """Ids of those that were moved."""
    dropped: list[DroppedFace] = field(default_factory=list)
    merged: MergedIdentity | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """Of the remaining identity, those that were taken from the merged one: their values before."""
    taken: dict[str, Any] = field(default_factory=dict)
    """The same after the merge."""
    anonymous: bool = False
    """Of a merge, whether the remaining identity was."""
    last_seen_at: datetime | None = None
    """Of the identity that got the faces."""
    pairs: PairsBefore = field(default_factory=PairsBefore)


_BEFORE = TypeAdapter(Before)


def before_of(change: PersonChange) -> Before:
    return _BEFORE.validate_python(change.before)


def dumped(before: Before) -> Any:
    """As a row holds it."""
    return _BEFORE.dump_python(before, mode="json")


def add(
    session: Session,
    change_id: UUID,
    gallery_id: UUID,
    kind: ChangeOfPeople,
    *,
    identity_id: UUID,
    other_id: UUID,
    before: Before,
    clustering_id: UUID | None = None,
) -> None:
    """`clustering_id`: the one that made the change, if no person did."""
    session.add(
        PersonChange(
            id=change_id,
            gallery_id=gallery_id,
            kind=kind,
            identity_id=identity_id,
            other_id=other_id,
            before=dumped(before),
            job_id=clustering_id,
        )
    )
    session.flush()


def get(session: Session, gallery_id: UUID, change_id: UUID) -> PersonChange:
    """Raises PeopleChangeNotFound."""
    change = session.scalar(
        select(PersonChange).where(PersonChange.gallery_id == gallery_id, PersonChange.id == change_id)
    )
    if change is None:
        raise PeopleChangeNotFound(
            f"there is no merge, split or move {change_id} in this gallery, or a person was deleted after it",
            id=str(change_id),
        )
    return change


def get_to_undo(session: Session, gallery_id: UUID, change_id: UUID) -> tuple[PersonChange, Before]:
    """Marks it as undone. Raises PeopleChangeNotFound, PeopleChangeUndone."""
    change = get(session, gallery_id, change_id)
    if change.undone_at is not None:
        raise PeopleChangeUndone(
            f"this {change.kind} was undone already",
            id=str(change_id),
            undone_at=change.undone_at.isoformat(),
        )
    change.undone_at = session.scalar(select(func.now()))
    session.flush()
    return change, before_of(change)


def merged_into(session: Session, gallery_id: UUID, identity_id: UUID) -> UUID | None:
    """The identity that an identity without a row became a part of."""
    into: UUID | None = None
    seen: UUID | None = identity_id
    while seen is not None:
        seen = session.scalar(
            select(PersonChange.identity_id)
            .where(
                PersonChange.gallery_id == gallery_id,
                PersonChange.other_id == seen,
                PersonChange.kind == ChangeOfPeople.MERGE,
                PersonChange.undone_at.is_(None),
            )
            .limit(1)
        )
        into = seen or into
    return into


def with_merged(session: Session, identity_id: UUID) -> list[UUID]:
    """The identity, and all that were merged into it."""
    return list(session.scalars(_WITH_MERGED, {"identity_id": str(identity_id)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedChange:
    change: PersonChange
    faces: int
    """How many changed their identity."""
    other_name: str | None
    """Of the identity that was merged, its name then, or else its external id."""


def page(
    session: Session, gallery_id: UUID, *, identity_id: UUID | None, before: UUID | None, limit: int
) -> list[ListedChange]:
    """At most `limit` changes before the id `before`, the newest first. `identity_id`: of this person."""
    query = select(PersonChange).where(PersonChange.gallery_id == gallery_id)
    if identity_id is not None:
        query = query.where(
            or_(PersonChange.identity_id == identity_id, PersonChange.other_id == identity_id)
        )
    if before is not None:
        query = query.where(PersonChange.id < before)
    return [_listed(row) for row in session.scalars(query.order_by(PersonChange.id.desc()).limit(limit))]


def _listed(change: PersonChange) -> ListedChange:
    before = before_of(change)
    merged = before.merged
    return ListedChange(
        change=change,
        faces=len(before.faces),
        other_name=None if merged is None else merged.name or merged.external_id,
    )


def has_others(session: Session, identity_id: UUID) -> bool:
    """Whether an identity holds somebody who was no visitor, by a merge or a move that was not undone."""
    merged = (
        (PersonChange.identity_id == identity_id)
        & (PersonChange.kind == ChangeOfPeople.MERGE)
        & PersonChange.before["merged"]["last_seen_at"].astext.is_(None)
    )
    moved = (PersonChange.other_id == identity_id) & (PersonChange.kind == ChangeOfPeople.MOVE)
    others = select(PersonChange.id).where(or_(merged, moved), PersonChange.undone_at.is_(None))
    return session.scalar(others.limit(1)) is not None


def seen_before_others(session: Session, change: PersonChange, identity_id: UUID) -> datetime | None:
    """The last sighting of a visitor before the earlier changes that were undone after `change` was made: it
    was no visitor then, because of them."""
    earlier = select(PersonChange.before["last_seen_at"].astext.cast(DateTime(timezone=True))).where(
        or_(
            (PersonChange.identity_id == identity_id) & (PersonChange.kind == ChangeOfPeople.MERGE),
            (PersonChange.other_id == identity_id) & (PersonChange.kind == ChangeOfPeople.MOVE),
        ),
        PersonChange.id < change.id,
        PersonChange.undone_at >= change.created_at,
        PersonChange.before["last_seen_at"].astext.is_not(None),
    )
    return session.scalar(earlier.order_by(PersonChange.id.desc()).limit(1))


def is_needed(session: Session, identity_id: UUID) -> bool:
    """Whether a change that can still be undone involves the identity."""
    involved = or_(PersonChange.identity_id == identity_id, PersonChange.other_id == identity_id)
    return (
        session.scalar(select(PersonChange.id).where(involved, PersonChange.undone_at.is_(None)).limit(1))
        is not None
    )


_WITH_MERGED = text("""
WITH RECURSIVE merged (id) AS (
    SELECT CAST(:identity_id AS uuid)
    UNION
    SELECT other_id FROM person_change JOIN merged ON person_change.identity_id = merged.id
    WHERE kind = 'merge' AND undone_at IS NULL
)
SELECT id FROM merged
""")
