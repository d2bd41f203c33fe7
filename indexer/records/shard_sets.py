"""Sets of shards in the database: which set serves a gallery by a model, and which one is being built.

One row decides, as one row decides which model serves. A set is built beside the index that serves; to switch
is to change the states of two rows in one transaction (docs/decisions/0053).
"""

from collections.abc import Collection, Sequence
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer.errors import Busy, GalleryNotFound, ShardSetNotFound
from indexer.records import galleries
from indexer.records.notifications import notify
from indexer.records.tables import Gallery, ShardSet
from indexer.types import Part

_ATTEMPTS = 5
_LOCKS = 0x53485244
"""Advisory locks of sets: the first half of their keys."""
_BUILDING = ShardSet.state == "building"


def begin(
    session: Session, gallery_id: UUID, model: str, *, shards: int, copies: int, block: int
) -> ShardSet:
    """The set that is being built: a new one, or the one that this or another process has begun, which may
    have other numbers. Processes that begin at once get the same set.

    `model`: fingerprint. Raises GalleryNotFound, Busy.
    """
    statement = (
        insert(ShardSet)
        .values(
            id=uuid_utils.compat.uuid7(),
            gallery_id=gallery_id,
            model=model,
            shards=shards,
            copies=copies,
            block=block,
            rebuild_numbers=[0] * shards,
        )
        .on_conflict_do_nothing(index_elements=[ShardSet.gallery_id, ShardSet.model], index_where=_BUILDING)
        .returning(ShardSet)
    )
    for _ in range(_ATTEMPTS):
        try:
            with session.begin_nested():
                made = session.scalar(statement)
        except IntegrityError as error:  # the foreign key
            raise GalleryNotFound("the gallery was deleted meanwhile") from error
        found = made or building(session, gallery_id, model)
        if found is not None:
            return found
    raise Busy("sets of shards of this gallery begin and end all the time; try again")


def building(session: Session, gallery_id: UUID, model: str) -> ShardSet | None:
    return _in_state(session, gallery_id, model, "building")


def active(session: Session, gallery_id: UUID, model: str) -> ShardSet | None:
    """The set that serves; None where each process searches an index of its own."""
    return _in_state(session, gallery_id, model, "active")


def get(session: Session, set_id: UUID) -> ShardSet:
    """Raises ShardSetNotFound."""
    found = session.scalar(select(ShardSet).where(ShardSet.id == set_id))
    if found is None:
        raise _not_found(set_id)
    return found


def of_galleries(session: Session, gallery_ids: Collection[UUID]) -> dict[UUID, list[ShardSet]]:
    """Every set of each gallery, also retired ones; the oldest first."""
    found: dict[UUID, list[ShardSet]] = {gallery_id: [] for gallery_id in gallery_ids}
    for one in session.scalars(
        select(ShardSet).where(ShardSet.gallery_id.in_(gallery_ids)).order_by(ShardSet.id)
    ):
        found[one.gallery_id].append(one)
    return found


def in_use(session: Session, gallery_ids: Collection[UUID]) -> list[ShardSet]:
    """The sets of the galleries that serve or are being built, the oldest first."""
    every = of_galleries(session, gallery_ids)
    return [one for gallery_id in gallery_ids for one in every[gallery_id] if one.state != "retired"]


def list_all(session: Session) -> Sequence[ShardSet]:
    """The oldest first."""
    return session.scalars(select(ShardSet).order_by(ShardSet.id)).all()


def candidates(session: Session, least_faces: int) -> Sequence[Gallery]:
    """Galleries with so many faces, and those that have a set."""
    has_set = select(ShardSet.id).where(ShardSet.gallery_id == Gallery.id).exists()
    return session.scalars(select(Gallery).where((Gallery.face_count >= least_faces) | has_set)).all()


def try_lock(session: Session, set_id: UUID) -> bool:
    """Until the end of the transaction no other process works on the set. False if one does."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(_LOCKS, func.hashtext(str(set_id))))))


def activate(session: Session, set_id: UUID) -> ShardSet | None:
    """From the end of the transaction on the set serves, and the one that served is retired: that one, or
    None. Raises ShardSetNotFound unless the set is being built."""
    chosen = session.scalar(
        select(ShardSet)
        .where(ShardSet.id == set_id, _BUILDING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if chosen is None:
        raise _not_found(set_id)
    before = session.scalar(
        update(ShardSet)
        .where(
            ShardSet.gallery_id == chosen.gallery_id,
            ShardSet.model == chosen.model,
            ShardSet.state == "active",
        )
        .values(state="retired", retired_at=func.clock_timestamp())
        .returning(ShardSet)
        .execution_options(populate_existing=True)
    )
    session.execute(
        update(ShardSet)
        .where(ShardSet.id == set_id)
        .values(state="active", activated_at=func.clock_timestamp())
    )
    notify(session, chosen.gallery_id)
    return before


def retire(session: Session, set_id: UUID) -> bool:
    """From the end of the transaction on each process searches its own index. Whether the set served."""
    gallery_id = session.scalar(
        update(ShardSet)
        .where(ShardSet.id == set_id, ShardSet.state == "active")
        .values(state="retired", retired_at=func.clock_timestamp())
        .returning(ShardSet.gallery_id)
    )
    if gallery_id is not None:
        notify(session, gallery_id)
    return gallery_id is not None


def drop(session: Session, set_id: UUID) -> bool:
    """Deletes the set, unless it serves. Whether it did: its actors and snapshots are no longer needed."""
    dropped = session.scalar(
        delete(ShardSet).where(ShardSet.id == set_id, ShardSet.state != "active").returning(ShardSet.id)
    )
    return dropped is not None


def end(session: Session, gallery_id: UUID, model: str) -> None:
    """The gallery leaves the model: what serves is retired, and what is being built is dropped. In a
    transaction of READ COMMITTED, whose statements see what others have committed before each."""
    of_model = (ShardSet.gallery_id == gallery_id, ShardSet.model == model)
    # In the order of `activate`: it is waited for, and the set that it activates is then retired.
    session.execute(delete(ShardSet).where(*of_model, _BUILDING))
    session.execute(
        update(ShardSet)
        .where(*of_model, ShardSet.state == "active")
        .values(state="retired", retired_at=func.clock_timestamp())
    )
    notify(session, gallery_id)


def request_rebuild(session: Session, set_id: UUID, shard: int) -> int:
    """Makes every copy of one shard rebuild its index; the number of the request. The shards' requests and
    the gallery's are counted together, so that an index is up to date with both by one number.

    Raises ShardSetNotFound, also where the set has no such shard; GalleryNotFound.
    """
    of_set = get(session, set_id)
    gallery = galleries.lock(session, of_set.gallery_id)
    number = galleries.last_rebuild(session, gallery) + 1
    place = shard + 1  # PostgreSQL counts from 1
    found = session.scalar(
        update(ShardSet)
        .where(ShardSet.id == set_id, ShardSet.shards > shard, literal(shard) >= 0)
        .values({ShardSet.rebuild_numbers[place]: number})
        .returning(ShardSet.id)
    )
    if found is None:
        raise ShardSetNotFound(
            f"gallery {gallery.name!r} has {of_set.shards} shards, and no shard {shard}: they count from 0",
            gallery=gallery.name,
            shard=shard,
        )
    notify(session, gallery.id)
    return number


def requested_rebuild(session: Session, gallery_id: UUID, model: str, part: Part) -> int:
    """The last rebuild that was requested of this shard alone; 0 for none."""
    number = session.scalar(
        select(func.max(ShardSet.rebuild_numbers[part.shard + 1])).where(
            ShardSet.gallery_id == gallery_id,
            ShardSet.model == model,
            ShardSet.shards == part.shards,
            ShardSet.block == part.block,
        )
    )
    return number or 0


def _in_state(session: Session, gallery_id: UUID, model: str, state: str) -> ShardSet | None:
    return session.scalar(
        select(ShardSet)
        .where(ShardSet.gallery_id == gallery_id, ShardSet.model == model, ShardSet.state == state)
        .execution_options(populate_existing=True)
    )


def _not_found(set_id: UUID) -> ShardSetNotFound:
    return ShardSetNotFound(f"there is no such set of shards {set_id}, or not in this state", id=str(set_id))
