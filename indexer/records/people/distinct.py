"""Pairs of identities that are known to be different people: no duplicate is reported for them again."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.records.tables import DistinctPeople

Pair = tuple[UUID, UUID]
"""The lower id first."""


def pair_of(one: UUID, other: UUID) -> Pair:
    return (one, other) if one < other else (other, one)


def add(session: Session, gallery_id: UUID, pairs: Iterable[Pair]) -> set[Pair]:
    """Remembers that each two are different people. Returns those pairs that were not known.

    Both identities must exist: the caller holds the gallery's lock.
    """
    rows = [{"lower_id": one, "higher_id": other, "gallery_id": gallery_id} for one, other in pairs]
    if not rows:
        return set()
    added = session.execute(
        insert(DistinctPeople)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(DistinctPeople.lower_id, DistinctPeople.higher_id)
    )
    return {(row[0], row[1]) for row in added}


def remove(session: Session, pairs: Collection[Pair]) -> None:
    session.execute(
        delete(DistinctPeople).where(tuple_(DistinctPeople.lower_id, DistinctPeople.higher_id).in_(pairs))
    )


def known(session: Session, pairs: Collection[Pair]) -> set[Pair]:
    """Those of `pairs` that are known to be different people."""
    rows = session.execute(
        select(DistinctPeople.lower_id, DistinctPeople.higher_id).where(
            tuple_(DistinctPeople.lower_id, DistinctPeople.higher_id).in_(pairs)
        )
    )
    return {(row[0], row[1]) for row in rows}


def others_of(session: Session, identity_id: UUID) -> Sequence[UUID]:
    """Everybody who is known to be another person than this identity."""
    rows = session.execute(
        select(DistinctPeople.lower_id, DistinctPeople.higher_id).where(
            or_(DistinctPeople.lower_id == identity_id, DistinctPeople.higher_id == identity_id)
        )
    )
    return [row[0] if row[1] == identity_id else row[1] for row in rows]
