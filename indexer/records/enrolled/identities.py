"""Identities: create, find, update, delete. `identity_lists` lists them."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from indexer.errors import IdentityMerged, IdentityNotFound
from indexer.records import changes
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.enrolled.new_identities import (
    NewIdentity,
    create_several,
    insert,
    not_anonymous,
    set_words,
    taken,
)
from indexer.records.people import person_changes
from indexer.records.tables import Gallery, Identity
from indexer.records.text import checked_id, checked_metadata, checked_text

_FILTERED = {"external_id", "details", "anonymous"}
"""What filters of people look at."""


def create(
    session: Session,
    gallery_id: UUID,
    *,
    external_id: str | None,
    name: str | None,
    metadata: dict[str, Any],
    anonymous: bool = False,
    last_seen_at: datetime | None = None,
) -> Identity:
    """The new identity, an object of no session. `anonymous`: nobody has said who this is; then it has
    neither a name nor an external id. `last_seen_at`: of a visitor.

    Raises InvalidRequest, ExternalIdTaken.
    """
    new = NewIdentity(
        external_id=external_id,
        name=name,
        metadata=metadata,
        anonymous=anonymous,
        last_seen_at=last_seen_at,
    )
    return create_several(session, gallery_id, [new])[0]


def restore(session: Session, several: Sequence[Identity], created_at: Sequence[datetime]) -> None:
    """Inserts identities that had rows before, each with the time of its creation. Raises ExternalIdTaken."""
    insert(session, several, created_at)


def get(session: Session, gallery_id: UUID, identity_id: UUID) -> Identity:
    """Raises IdentityNotFound, IdentityMerged."""
    identity = session.scalar(
        select(Identity).where(Identity.gallery_id == gallery_id, Identity.id == identity_id)
    )
    if identity is None:
        into = person_changes.merged_into(session, gallery_id, identity_id)
        if into is not None:
            raise IdentityMerged(
                f"the identity {identity_id} was merged into {into}", id=str(identity_id), into=str(into)
            )
        raise IdentityNotFound(f"there is no identity {identity_id} in this gallery", id=str(identity_id))
    return identity


def by_ids(session: Session, gallery_id: UUID, identity_ids: Collection[UUID]) -> Sequence[Identity]:
    """Those that exist, oldest first."""
    return session.scalars(
        select(Identity)
        .where(Identity.gallery_id == gallery_id, Identity.id.in_(identity_ids))
        .order_by(Identity.id)
    ).all()


def metadata_of(
    session: Session, gallery_id: UUID, identity_ids: Collection[UUID]
) -> dict[UUID, dict[str, Any]]:
    """The metadata of those that exist, by id."""
    rows = session.execute(
        select(Identity.id, Identity.details).where(
            Identity.gallery_id == gallery_id, Identity.id.in_(identity_ids)
        )
    )
    return {row[0]: row[1] for row in rows}


def find_by_external_id(session: Session, gallery_id: UUID, external_id: str) -> Identity | None:
    return session.scalar(
        select(Identity).where(
            Identity.gallery_id == gallery_id,
            Identity.external_id == checked_id(external_id, "external_id"),
        )
    )


def find_by_external_ids(
    session: Session, gallery_id: UUID, external_ids: Collection[str]
) -> dict[str, Identity]:
    """Those that exist, by external id. Raises InvalidRequest."""
    checked = [checked_id(external_id, "external_id") for external_id in external_ids]
    found = session.scalars(
        select(Identity).where(Identity.gallery_id == gallery_id, Identity.external_id.in_(checked))
    )
    return {identity.external_id: identity for identity in found if identity.external_id is not None}


def get_by_external_id(session: Session, gallery_id: UUID, external_id: str) -> Identity:
    """Raises IdentityNotFound, InvalidRequest."""
    identity = find_by_external_id(session, gallery_id, external_id)
    if identity is None:
        raise IdentityNotFound(
            f"there is no identity with the external_id {external_id!r} in this gallery",
            external_id=external_id,
        )
    return identity


def update(session: Session, identity: Identity, values: dict[str, Any]) -> Identity:
    """Sets those of `external_id`, `name`, `metadata`, `hidden` and `anonymous` that are in `values`. None
    clears a field, and leaves `hidden` and `anonymous` as they are.

    A name or an external id ends that the identity is anonymous. If nothing differs, nothing is written and
    `updated_at` stays. What filters look at goes into the change log, so that every process searches among
    the right people; the caller holds the gallery's lock. Raises InvalidRequest (`anonymous` of somebody with
    a name or an external id), ExternalIdTaken.
    """
    changed: dict[str, Any] = {}
    if "external_id" in values:
        changed["external_id"] = checked_id(values["external_id"], "external_id")
    if "name" in values:
        changed["name"] = checked_text(values["name"], "name")
    if "metadata" in values:
        changed["details"] = checked_metadata(values["metadata"] or {})
    for flag in ("hidden", "anonymous"):
        if values.get(flag) is not None:
            changed[flag] = bool(values[flag])
    if any(changed.get(field, getattr(identity, field)) is not None for field in ("name", "external_id")):
        if changed.get("anonymous"):
            raise not_anonymous()
        changed["anonymous"] = False
    if identity.anonymous and changed.get("anonymous") is False:
        changed["last_seen_at"] = None  # no visitor any more, even if the name is removed
    different = {field for field, value in changed.items() if not _same(getattr(identity, field), value)}
    if not different:
        return identity
    now = session.scalars(select(func.now())).one()  # first: a query flushes new values, outside of _flush
    if "details" in different:
        flag_modified(identity, "details")  # SQLAlchemy takes true and 1 for equal
    for field, value in changed.items():
        setattr(identity, field, value)
    set_words(identity)
    identity.updated_at = now
    _flush(session, identity.external_id)
    if not different.isdisjoint(_FILTERED):
        changes.append_update(session, identity.gallery_id, identity.number)
    gallery = session.get_one(Gallery, identity.gallery_id)
    record(
        session,
        AuditEvent(
            action=Action.IDENTITY_CHANGED,
            gallery=gallery.name,
            identity_id=identity.id,
            details={"fields": sorted(values)},
        ),
    )
    return identity


def remove(session: Session, identity_id: UUID) -> None:
    session.execute(delete(Identity).where(Identity.id == identity_id))


def _flush(session: Session, external_id: str | None) -> None:
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError as error:
        raise taken(external_id) from error


def _same(before: Any, after: Any) -> bool:
    """As JSON: in Python, true equals 1."""
    if isinstance(before, dict):
        return json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    return bool(before == after)
