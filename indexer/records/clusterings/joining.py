"""Joins many anonymous identities of one face to others, by a few statements. It is what `merge` does for
one pair, and is undone as a merge is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.orm import Session

from indexer.records.people.person_changes import Before, ChangeOfPeople, MergedIdentity, dumped
from indexer.records.tables import DistinctPeople, Face, Identity, PersonChange, Review


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """An anonymous identity with one face, as it is now."""

    identity_id: UUID
    face_id: UUID
    key: int
    image_sha256: bytes
    row: MergedIdentity


def singles(session: Session, gallery_id: UUID, identity_ids: Collection[UUID]) -> dict[UUID, Single]:
    """Those of `identity_ids` that are anonymous and have one face, by id. The faces are locked: a re-index
    that is recording an embedding by the old key has then ended."""
    rows = session.execute(
        select(
            Identity.id,
            Identity.details,
            Identity.created_at,
            Identity.hidden,
            Identity.last_seen_at,
            Face.id.label("face_id"),
            Face.key,
            Face.image_sha256,
        )
        .join(Face, Face.identity_id == Identity.id)
        .where(Identity.gallery_id == gallery_id, Identity.id.in_(identity_ids), Identity.anonymous)
        .order_by(Face.key)
        .with_for_update(of=Face)
    ).all()
    found: dict[UUID, Single | None] = {}
    for row in rows:
        if row.id in found:
            found[row.id] = None
            continue
        found[row.id] = Single(
            identity_id=row.id,
            face_id=row.face_id,
            key=row.key,
            image_sha256=bytes(row.image_sha256),
            row=MergedIdentity(
                external_id=None,
                name=None,
                metadata=row.details,
                created_at=row.created_at,
                anonymous=True,
                hidden=row.hidden,
                last_seen_at=row.last_seen_at,
            ),
        )
    return {identity_id: single for identity_id, single in found.items() if single is not None}


def targets(
    session: Session, gallery_id: UUID, identity_ids: Collection[UUID], *, anonymous: bool
) -> dict[UUID, Identity]:
    """Those of `identity_ids` that exist, and are anonymous or not, by id."""
    rows = session.scalars(
        select(Identity).where(
            Identity.gallery_id == gallery_id,
            Identity.id.in_(identity_ids),
            Identity.anonymous if anonymous else ~Identity.anonymous,
        )
    )
    return {row.id: row for row in rows}


def photographs(
    session: Session, identity_ids: Collection[UUID], digests: Collection[bytes]
) -> set[tuple[UUID, bytes]]:
    """Which of the identities have a face of which of the pictures."""
    rows = session.execute(
        select(Face.identity_id, Face.image_sha256).where(
            Face.identity_id.in_(identity_ids), Face.image_sha256.in_(digests)
        )
    )
    return {(identity_id, bytes(digest)) for identity_id, digest in rows}


def share_a_photograph(session: Session, one: UUID, other: UUID) -> bool:
    """Whether two identities have faces of one picture: those are two people."""
    digests = select(Face.image_sha256).where(Face.identity_id == other)
    shared = select(Face.id).where(Face.identity_id == one, Face.image_sha256.in_(digests)).limit(1)
    return session.scalar(shared) is not None


def in_pairs(session: Session, identity_ids: Collection[UUID]) -> set[UUID]:
    """Those that have a review, or are known to be distinct from somebody."""
    found: set[UUID] = set()
    for one, other in (
        (DistinctPeople.lower_id, DistinctPeople.higher_id),
        (Review.identity_id, Review.other_id),
    ):
        rows = session.execute(select(one, other).where(or_(one.in_(identity_ids), other.in_(identity_ids))))
        for pair in rows:
            found |= set(pair)
    return found & set(identity_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Of one identity to another, in the transaction that made it."""

    id: UUID
    """Of its audit event."""
    single: Single
    into: UUID
    last_seen_at: datetime | None
    """Of the identity that remains, before the merge."""
    anonymous: bool
    """Whether the identity that remains is anonymous."""


def record_merges(session: Session, gallery_id: UUID, clustering_id: UUID, joins: Sequence[Join]) -> None:
    """Records what an undo of each needs, and deletes the identities that have no face any more."""
    rows: list[Mapping[str, Any]] = [
        {
            "id": join.id,
            "gallery_id": gallery_id,
            "kind": ChangeOfPeople.MERGE.value,
            "identity_id": join.into,
            "other_id": join.single.identity_id,
            "job_id": clustering_id,
            "before": dumped(
                Before(
                    faces=[join.single.face_id],
                    merged=join.single.row,
                    anonymous=join.anonymous,
                    last_seen_at=join.last_seen_at,
                )
            ),
        }
        for join in joins
    ]
    session.execute(insert(PersonChange), rows)
    merged = [join.single.identity_id for join in joins]
    session.execute(
        delete(Identity).where(Identity.id.in_(merged)).execution_options(synchronize_session=False)
    )
