"""Processes that serve, and the state of their indexes: they report it, operators read it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.records.tables import Gallery, Process, Replica

State = Literal["opening", "ready", "rebuilding", "failed"]

GONE_AFTER = timedelta(seconds=30)
"""A process without a heartbeat for so long counts as dead."""
_PART = (Replica.shard, Replica.shards, Replica.block)
_OPEN = Replica.state.in_(("ready", "rebuilding"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """The state of one index of a process."""

    gallery_id: UUID
    state: State
    problem: str | None
    model: str
    """Fingerprint."""
    tier: str | None = None
    snapshot: str | None = None
    applied: int = 0
    """Number of the last change in it."""
    token: UUID | None = None
    """Of the same change."""
    count: int = 0
    tombstones: int = 0
    memory_bytes: int = 0
    digest: str | None = None
    shard: int | None = None
    """Of a part of the gallery, from 0; None for all of it, as in the two below."""
    shards: int | None = None
    block: int | None = None


def register(
    session: Session, *, host: str, pid: int, version: str, shard_set_id: UUID | None = None
) -> UUID:
    """Adds a process, and deletes dead ones. Returns its id. `shard_set_id`: of whose shards it holds one."""
    session.execute(delete(Process).where(Process.seen_at < func.now() - GONE_AFTER))
    process = Process(host=host, pid=pid, version=version, shard_set_id=shard_set_id)
    session.add(process)
    session.flush()
    return process.id


def heartbeat(session: Session, process_id: UUID) -> bool:
    """Notes that the process is alive. False if it was deleted as dead: it must register again."""
    found = session.execute(
        update(Process).where(Process.id == process_id).values(seen_at=func.now()).returning(Process.id)
    ).one_or_none()
    return found is not None


def report(
    session: Session, process_id: UUID, changed: Sequence[StatusReport], closed: Collection[tuple[UUID, str]]
) -> bool:
    """Stores what changed in the indexes of a process. False if the process was deleted as dead.

    `closed`: gallery ids and fingerprints of the indexes that the process no longer has.
    """
    if not changed and not closed:
        return True
    known = session.scalar(
        select(Process.id).where(Process.id == process_id).with_for_update(key_share=True, read=True)
    )
    if known is None:
        return False
    if closed:
        session.execute(
            delete(Replica).where(
                Replica.process_id == process_id,
                tuple_(Replica.gallery_id, Replica.model).in_(list(closed)),
            )
        )
    if changed:
        statement = insert(Replica)
        columns = {name: statement.excluded[name] for name in asdict(changed[0])}
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[Replica.process_id, Replica.gallery_id, Replica.model], set_=columns
            ),
            [{"process_id": process_id} | asdict(status) for status in changed],
        )
    return True


def unregister(session: Session, process_id: UUID) -> None:
    session.execute(delete(Process).where(Process.id == process_id))


def list_processes(session: Session) -> Sequence[Process]:
    """The living processes, those with shards too, the oldest first."""
    return session.scalars(
        select(Process).where(Process.seen_at >= func.now() - GONE_AFTER).order_by(Process.id)
    ).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far the indexes of a process are behind the change log."""

    host: str
    pid: int
    changes: int
    """Missing changes of the index that is furthest behind, as of its last report."""
    failed: int
    """Indexes that could not be opened or kept up to date."""


def list_lags(session: Session) -> list[Lag]:
    """Of the living processes, the oldest first."""
    rows = session.execute(
        select(
            Process.host,
            Process.pid,
            func.coalesce(func.max(Gallery.change_number - Replica.applied).filter(_OPEN), 0),
            func.count().filter(Replica.state == "failed"),
        )
        .outerjoin(Replica, Replica.process_id == Process.id)
        .outerjoin(Gallery, Gallery.id == Replica.gallery_id)
        .where(Process.seen_at >= func.now() - GONE_AFTER)
        .group_by(Process.id)
        .order_by(Process.id)
    )
    return [Lag(host=host, pid=pid, changes=max(0, lag), failed=failed) for host, pid, lag, failed in rows]


def by_gallery(session: Session, gallery_ids: Collection[UUID]) -> dict[UUID, list[tuple[Process, Replica]]]:
    """The living processes with their index of each gallery."""
    found: dict[UUID, list[tuple[Process, Replica]]] = {gallery_id: [] for gallery_id in gallery_ids}
    rows = session.execute(
        select(Process, Replica)
        .join(Replica, Replica.process_id == Process.id)
        .join(Gallery, Gallery.id == Replica.gallery_id)
        .where(Replica.gallery_id.in_(gallery_ids), Process.seen_at >= func.now() - GONE_AFTER)
        .order_by(Process.id)
    )
    for process, replica in rows:
        found[replica.gallery_id].append((process, replica))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubledIndex:
    """An index that has failed, or is far behind, or does not have the target tier."""

    host: str
    pid: int
    gallery: str
    state: str
    problem: str | None
    lag: int
    """Changes that it lacked at its last report."""


def list_troubled(session: Session, *, lag: int, limit: int) -> list[TroubledIndex]:
    """Of the living processes; `lag`: missing changes from which on an index is far behind. Failed ones
    first, then those furthest behind."""
    missing = Gallery.change_number - Replica.applied
    rows = session.execute(
        select(Process.host, Process.pid, Gallery.name, Replica.state, Replica.problem, missing)
        .join(Replica, Replica.process_id == Process.id)
        .join(Gallery, Gallery.id == Replica.gallery_id)
        .where(
            Process.seen_at >= func.now() - GONE_AFTER,
            or_(Replica.problem.is_not(None), Replica.state == "failed", and_(_OPEN, missing >= lag)),
        )
        .order_by((Replica.state == "failed").desc(), missing.desc())
        .limit(limit)
    )
    return [
        TroubledIndex(host=host, pid=pid, gallery=gallery, state=state, problem=problem, lag=max(0, lacking))
        for host, pid, gallery, state, problem, lacking in rows
    ]


def list_different(session: Session, *, limit: int) -> Sequence[str]:
    """Galleries of which two living processes have reported the same change, but other contents of the whole,
    or of the same shard."""
    return session.scalars(
        select(Gallery.name)
        .join(Replica, Replica.gallery_id == Gallery.id)
        .join(Process, Process.id == Replica.process_id)
        .where(Process.seen_at >= func.now() - GONE_AFTER, _OPEN, Replica.digest.is_not(None))
        .group_by(Gallery.id, Replica.model, *_PART, Replica.applied, Replica.token)
        .having(func.count(func.distinct(Replica.digest)) > 1)
        .order_by(Gallery.name)
        .limit(limit)
    ).all()


def count(session: Session) -> int:
    """Indexes that living processes have open."""
    return session.scalars(
        select(func.count())
        .select_from(Replica)
        .join(Process, Process.id == Replica.process_id)
        .where(Process.seen_at >= func.now() - GONE_AFTER, _OPEN)
    ).one()
