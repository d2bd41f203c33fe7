"""Writes the people of an export into a gallery, in portions. The caller holds the gallery's lock."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from typing import cast as cast_type
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.records.enrolled.words import name_search, search_words
from indexer.records.tables import DistinctPeople, Identity, PersonChange

_TABLE = cast_type(Table, Identity.__table__)
_RANDOM = (1 << 12) - 1, (1 << 62) - 1
"""Bits of a UUID of version 7 that are random, before and after the variant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    id: UUID
    """In the export."""
    external_id: str | None
    name: str | None
    metadata: dict[str, Any]
    anonymous: bool
    hidden: bool
    last_seen_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Which identities of a gallery people of an export are, by their ids in the export."""

    there: dict[UUID, UUID] = field(default_factory=dict)
    """Already in the gallery, under the same id or the replacement."""
    merged: dict[UUID, UUID] = field(default_factory=dict)
    """In the gallery, and merged into another identity of it since."""
    same_external_id: dict[UUID, UUID] = field(default_factory=dict)
    """Not in the gallery, where another identity has the external id."""
    new: dict[UUID, UUID] = field(default_factory=dict)
    """Not in the gallery: the id that they will have."""

    def identity(self, exported: UUID) -> UUID | None:
        """That exists."""
        return self.there.get(exported) or self.merged.get(exported) or self.same_external_id.get(exported)


def replacement(gallery_id: UUID, exported: UUID) -> UUID:
    """The id that takes the place of `exported` in a gallery where that is taken: always the same,
    and with the same time, by which lists are in order."""
    digest = int.from_bytes(hashlib.sha256(gallery_id.bytes + exported.bytes).digest()[:16], "big")
    high, low = digest >> 64 & _RANDOM[0], digest & _RANDOM[1]
    return UUID(int=(exported.int >> 80 << 80) | 7 << 76 | high << 64 | 2 << 62 | low)


def resolve(
    session: Session, gallery_id: UUID, exported: Collection[UUID], external_ids: dict[UUID, str]
) -> Resolved:
    """`external_ids`: of those people that have one, by their ids in the export."""
    second = {one: replacement(gallery_id, one) for one in exported}
    candidates = [*second, *second.values()]
    query = select(Identity.id, Identity.gallery_id).where(Identity.id.in_(candidates))
    owners = {row[0]: row[1] for row in session.execute(query)}
    merged: dict[UUID, tuple[UUID, UUID]] = {}
    gone = [one for one in candidates if one not in owners]
    for change in session.scalars(
        select(PersonChange)
        .where(
            PersonChange.kind == "merge", PersonChange.undone_at.is_(None), PersonChange.other_id.in_(gone)
        )
        .order_by(PersonChange.id)
    ):
        merged[change.other_id] = (change.gallery_id, change.identity_id)
    taken = _by_external_id(session, gallery_id, set(external_ids.values()))
    found = Resolved()
    for one, other in second.items():
        there = next((each for each in (one, other) if owners.get(each) == gallery_id), None)
        into = next(
            (merged[each][1] for each in (one, other) if _is_merged_in(merged, each, gallery_id)), None
        )
        if there is not None:
            found.there[one] = there
        elif into is not None and (last := _last(session, gallery_id, into)) is not None:
            found.merged[one] = last
        elif (same := taken.get(external_ids.get(one, ""))) is not None:
            found.same_external_id[one] = same
        else:
            found.new[one] = one if one not in owners and one not in merged else other
    return found


def insert_new(session: Session, gallery_id: UUID, people: Sequence[tuple[UUID, NewPerson]]) -> set[UUID]:
    """Each with the id that it gets. Returns the ids of those that were inserted: another import may have
    taken an id, and an enrolment an external id, since they were resolved."""
    if not people:
        return set()
    rows = [
        {
            "id": identity_id,
            "gallery_id": gallery_id,
            "external_id": person.external_id,
            "name": person.name,
            "name_words": name_search.document(person.name),
            "search_words": search_words.document(person.name, person.external_id, person.metadata),
            "metadata": person.metadata,
            "anonymous": person.anonymous,
            "hidden": person.hidden,
            "last_seen_at": person.last_seen_at,
            "created_at": person.created_at,
            "updated_at": person.updated_at,
        }
        for identity_id, person in people
    ]
    inserted = session.execute(insert(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.id), rows)
    return {row[0] for row in inserted}


def insert_distinct(session: Session, gallery_id: UUID, pairs: Sequence[tuple[UUID, UUID, datetime]]) -> int:
    """Pairs of identities that are different people, the lower id first, and when that was decided. Returns
    how many were not known."""
    if not pairs:
        return 0
    rows = [
        {"lower_id": low, "higher_id": high, "gallery_id": gallery_id, "created_at": at}
        for low, high, at in pairs
    ]
    table = cast_type(Table, DistinctPeople.__table__)
    inserted = session.execute(insert(table).on_conflict_do_nothing().returning(table.c.lower_id), rows)
    return len(inserted.all())


def _by_external_id(session: Session, gallery_id: UUID, external_ids: Collection[str]) -> dict[str, UUID]:
    if not external_ids:
        return {}
    rows = session.execute(
        select(Identity.external_id, Identity.id).where(
            Identity.gallery_id == gallery_id, Identity.external_id.in_(external_ids)
        )
    )
    return {external_id or "": identity_id for external_id, identity_id in rows}


def _is_merged_in(merged: dict[UUID, tuple[UUID, UUID]], one: UUID, gallery_id: UUID) -> bool:
    return one in merged and merged[one][0] == gallery_id


def _last(session: Session, gallery_id: UUID, identity_id: UUID) -> UUID | None:
    """Where a chain of merges ends; None where that identity was deleted."""
    for _ in range(100):
        if session.scalar(
            select(Identity.id).where(Identity.gallery_id == gallery_id, Identity.id == identity_id)
        ):
            return identity_id
        into = session.scalar(
            select(PersonChange.identity_id).where(
                PersonChange.kind == "merge",
                PersonChange.undone_at.is_(None),
                PersonChange.gallery_id == gallery_id,
                PersonChange.other_id == identity_id,
            )
        )
        if into is None:
            return None
        identity_id = into
    return None
