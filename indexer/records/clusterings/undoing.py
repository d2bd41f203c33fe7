"""What a clustering has joined, and what has happened to it since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from indexer.records.people.person_changes import Before, ChangeOfPeople, before_of
from indexer.records.tables import Face, PersonChange


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinMade:
    change: PersonChange
    before: Before


def newest_first(session: Session, job_id: UUID, *, older_than: UUID | None, at_most: int) -> Sequence[UUID]:
    """Ids of changes that were not undone."""
    query = select(PersonChange.id).where(PersonChange.job_id == job_id, PersonChange.undone_at.is_(None))
    if older_than is not None:
        query = query.where(PersonChange.id < older_than)
    return session.scalars(query.order_by(PersonChange.id.desc()).limit(at_most)).all()


def joins(session: Session, change_ids: Collection[UUID]) -> list[JoinMade]:
    """Those that were not undone meanwhile, the newest first."""
    rows = session.scalars(
        select(PersonChange)
        .where(PersonChange.id.in_(change_ids), PersonChange.undone_at.is_(None))
        .order_by(PersonChange.id.desc())
    )
    return [JoinMade(change=row, before=before_of(row)) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterChange:
    """By a person, of an identity that a clustering has changed before."""

    id: UUID
    is_merge: bool


def last_by_people(session: Session, identity_ids: Collection[UUID]) -> dict[UUID, LaterChange]:
    """Of each identity the last change that a person made and that was not undone."""
    ids = set(identity_ids)
    rows = session.execute(
        select(PersonChange.id, PersonChange.kind, PersonChange.identity_id, PersonChange.other_id)
        .where(
            or_(PersonChange.identity_id.in_(ids), PersonChange.other_id.in_(ids)),
            PersonChange.job_id.is_(None),
            PersonChange.undone_at.is_(None),
        )
        .order_by(PersonChange.id)
    )
    found: dict[UUID, LaterChange] = {}
    for change_id, kind, one, other in rows:
        for identity_id in {one, other} & ids:
            found[identity_id] = LaterChange(id=change_id, is_merge=kind == ChangeOfPeople.MERGE)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedFace:
    id: UUID
    key: int
    identity_id: UUID


def faces(session: Session, face_ids: Collection[UUID]) -> dict[UUID, OwnedFace]:
    """Those that exist, by id. They are locked: see `joining.singles`."""
    rows = session.execute(
        select(Face.id, Face.key, Face.identity_id)
        .where(Face.id.in_(face_ids))
        .order_by(Face.key)
        .with_for_update()
    )
    return {row.id: OwnedFace(id=row.id, key=row.key, identity_id=row.identity_id) for row in rows}


def once_visitors(session: Session, identity_ids: Collection[UUID]) -> set[UUID]:
    """Those that were visitors before some change."""
    ids = set(identity_ids)
    rows = session.execute(
        select(PersonChange.identity_id, PersonChange.other_id).where(
            or_(PersonChange.identity_id.in_(ids), PersonChange.other_id.in_(ids)),
            PersonChange.before["last_seen_at"].astext.is_not(None),
        )
    )
    return {either for pair in rows for either in pair} & ids


def mark_undone(session: Session, changes: Sequence[PersonChange]) -> None:
    session.execute(
        update(PersonChange)
        .where(PersonChange.id.in_([change.id for change in changes]))
        .values(undone_at=func.now())
        .execution_options(synchronize_session=False)
    )
