"""Merges, splits and moves, with what it takes to undo them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import func, or_, select
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
    pairs: PairsBefore = field(default_factory=PairsBefore)


_BEFORE = TypeAdapter(Before)


def add(
    session: Session,
    change_id: UUID,
    gallery_id: UUID,
    kind: ChangeOfPeople,
    *,
    identity_id: UUID,
    other_id: UUID,
    before: Before,
) -> None:
    session.add(
        PersonChange(
            id=change_id,
            gallery_id=gallery_id,
            kind=kind,
            identity_id=identity_id,
            other_id=other_id,
            before=_BEFORE.dump_python(before, mode="json"),
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
    return change, _BEFORE.validate_python(change.before)


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


def is_needed(session: Session, identity_id: UUID) -> bool:
    """Whether a change that can still be undone involves the identity."""
    involved = or_(PersonChange.identity_id == identity_id, PersonChange.other_id == identity_id)
    return (
        session.scalar(select(PersonChange.id).where(involved, PersonChange.undone_at.is_(None)).limit(1))
        is not None
    )
