"""Galleries: create, find, list, lock, delete."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer.errors import GalleryExists, GalleryNotFound, InvalidRequest
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.notifications import notify
from indexer.records.tables import Gallery, Identity, IndexCheck, ShardSet
from indexer.records.tables.galleries import MAX_VISITOR_FACES, MAX_VISITORS, VISITOR_LIFETIME_HOURS
from indexer.types import Attribute, DuplicateCheck, LivenessPolicy, PersonScore

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


# Built once, because every request runs one of them.
_BY_NAME = select(Gallery).where(Gallery.name == bindparam("name"))
_BY_IDS = select(Gallery).where(Gallery.id.in_(bindparam("gallery_ids", expanding=True)))
_LOCKED = (
    select(Gallery)
    .where(Gallery.id == bindparam("gallery_id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the whole database."""

    galleries: int
    faces: int


def create(
    session: Session,
    name: str,
    *,
    store_crops: bool = True,
    keep_probes: bool = False,
    identify_fpir: float | None = None,
    min_match_face_px: float | None = None,
    min_match_sharpness: float | None = None,
    max_match_miss_rate: float | None = None,
    person_score: PersonScore = PersonScore.FUSED,
    duplicate_check: DuplicateCheck = DuplicateCheck.OFF,
    duplicate_fpir: float | None = None,
    remember_unknown: bool = False,
    min_visitor_quality: float | None = None,
    visitor_lifetime_hours: float = VISITOR_LIFETIME_HOURS,
    max_visitors: int = MAX_VISITORS,
    max_visitor_faces: int = MAX_VISITOR_FACES,
    attributes: Sequence[Attribute] | None = None,
    liveness: LivenessPolicy = LivenessPolicy.OFF,
) -> Gallery:
    """Raises InvalidRequest, GalleryExists."""
    check_name(name)
    policy: dict[str, Any] = {
        "store_crops": store_crops,
        "keep_probes": keep_probes,
        "identify_fpir": identify_fpir,
        "min_match_face_px": min_match_face_px,
        "min_match_sharpness": min_match_sharpness,
        "max_match_miss_rate": max_match_miss_rate,
        "person_score": person_score,
        "duplicate_check": duplicate_check,
        "duplicate_fpir": duplicate_fpir,
        "remember_unknown": remember_unknown,
        "min_visitor_quality": min_visitor_quality,
        "visitor_lifetime_hours": visitor_lifetime_hours,
        "max_visitors": max_visitors,
        "max_visitor_faces": max_visitor_faces,
        "attributes": None if attributes is None else list(attributes),
        "liveness": liveness,
    }
    gallery = Gallery(name=name, **policy)
    try:
        with session.begin_nested():
            session.add(gallery)
    except IntegrityError as error:
        raise GalleryExists(f"a gallery {name!r} already exists", name=name) from error
    session.refresh(gallery)  # loads the computed columns while there is a session
    record(
        session,
        AuditEvent(
            action=Action.GALLERY_CREATED, gallery=name, details={"gallery_id": gallery.id, "policy": policy}
        ),
    )
    return gallery


def check_name(name: str) -> None:
    """Raises InvalidRequest."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidRequest(
            "a gallery's name has 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit",
            field="name",
        )


def get(session: Session, name: str) -> Gallery:
    """Raises GalleryNotFound."""
    if re.fullmatch(NAME_PATTERN, name):
        gallery = session.scalar(_BY_NAME, {"name": name})
        if gallery is not None:
            return gallery
    raise GalleryNotFound(f"there is no gallery {name[:63]!r}", name=name[:63])


def lock(session: Session, gallery_id: UUID) -> Gallery:
    """The gallery, held until the transaction ends.

    Every transaction that writes into a gallery begins with this. So writers take turns, changes become
    visible in the order of their numbers, and no two transactions deadlock by upgrading a shared lock.
    Raises GalleryNotFound.
    """
    gallery = session.scalar(_LOCKED, {"gallery_id": gallery_id})
    if gallery is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    return gallery


def page(
    session: Session, *, after: str | None, limit: int, patterns: Sequence[str] | None = None
) -> Sequence[Gallery]:
    """At most `limit` galleries whose names follow `after`, by name. `patterns`: only those with such a name
    (`name_matches`)."""
    query = select(Gallery)
    if patterns is not None:
        query = query.where(name_matches(patterns))
    if after is not None:
        query = query.where(Gallery.name > after)
    return session.scalars(query.order_by(Gallery.name).limit(limit)).all()


def name_matches(patterns: Sequence[str]) -> ColumnElement[bool]:
    """A condition on `Gallery.name`: it is one of `patterns`, or begins with one that ends in `*`."""
    exact = [pattern for pattern in patterns if not pattern.endswith("*")]
    prefixes = [pattern[:-1] for pattern in patterns if pattern.endswith("*")]
    return or_(
        Gallery.name.in_(exact), *(Gallery.name.startswith(prefix, autoescape=True) for prefix in prefixes)
    )


def list_all(session: Session) -> Sequence[Gallery]:
    return session.scalars(select(Gallery).order_by(Gallery.name)).all()


def largest(session: Session, *, limit: int) -> Sequence[Gallery]:
    """Those with the most faces; empty ones are left out."""
    return session.scalars(
        select(Gallery)
        .where(Gallery.face_count > 0)
        .order_by(Gallery.face_count.desc(), Gallery.name)
        .limit(limit)
    ).all()


def by_ids(session: Session, gallery_ids: Collection[UUID]) -> dict[UUID, Gallery]:
    """By id, without those that were deleted."""
    rows = session.scalars(_BY_IDS, {"gallery_ids": list(gallery_ids)})
    return {gallery.id: gallery for gallery in rows}


def request_rebuild(
    session: Session, gallery_id: UUID, *, tier: str | None = None, keep_tier: bool = False
) -> Gallery:
    """Makes every process rebuild its index of the gallery.

    `tier`: the new tier; None leaves the choice to each process's settings. `keep_tier`: ignores `tier`.
    Raises GalleryNotFound.
    """
    gallery = lock(session, gallery_id)
    gallery.rebuild_number = last_rebuild(session, gallery) + 1
    session.execute(  # what it found is no longer so
        delete(IndexCheck).where(IndexCheck.gallery_id == gallery_id, IndexCheck.finished_at.is_not(None))
    )
    if not keep_tier:
        gallery.index_tier = tier
    session.flush()
    session.refresh(gallery)  # loads the computed columns while there is a session
    notify(session, gallery_id)
    record(
        session,
        AuditEvent(
            action=Action.INDEX_REBUILD_REQUESTED,
            gallery=gallery.name,
            details={"rebuild_number": gallery.rebuild_number, "tier": gallery.index_tier},
        ),
    )
    return gallery


def last_rebuild(session: Session, gallery: Gallery) -> int:
    """Number of the last rebuild that was requested, of the gallery or of one of its shards."""
    numbers = func.unnest(ShardSet.rebuild_numbers).column_valued("requested", joins_implicitly=True)
    of_shards = session.scalar(
        select(func.max(numbers)).select_from(ShardSet).where(ShardSet.gallery_id == gallery.id)
    )
    return max(gallery.rebuild_number, of_shards or 0)


def count_identities(session: Session, gallery_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = session.execute(
        select(Identity.gallery_id, func.count())
        .where(Identity.gallery_id.in_(gallery_ids))
        .group_by(Identity.gallery_id)
    )
    counted = {row[0]: row[1] for row in rows}
    return {gallery_id: counted.get(gallery_id, 0) for gallery_id in gallery_ids}


def totals(session: Session) -> Totals:
    count, faces = session.execute(
        select(func.count(), func.coalesce(func.sum(Gallery.face_count), 0)).select_from(Gallery)
    ).one()
    return Totals(galleries=int(count), faces=int(faces))


def remove(session: Session, gallery_id: UUID) -> None:
    """Deletes a gallery and everything in it."""
    gallery = session.get(Gallery, gallery_id)
    if gallery is not None:
        people = count_identities(session, [gallery_id])[gallery_id]
        details = {"gallery_id": gallery_id, "identities": people, "faces": gallery.face_count}
        record(session, AuditEvent(action=Action.GALLERY_DELETED, gallery=gallery.name, details=details))
    notify(session, gallery_id)
    session.execute(delete(Gallery).where(Gallery.id == gallery_id))
