"""Identities: create, find, list, update, delete."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from typing import cast as cast_type
from uuid import UUID

from sqlalchemy import Table, cast, delete, func, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from indexer.errors import ExternalIdTaken, IdentityMerged, IdentityNotFound, InvalidRequest
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.enrolled import name_search, search_words
from indexer.records.people import person_changes
from indexer.records.tables import Gallery, Identity
from indexer.records.text import checked_id, checked_metadata, checked_text

_TABLE = cast_type(Table, Identity.__table__)
_INSERT = (
    insert(_TABLE)
    .on_conflict_do_nothing(constraint="identity_external_id_key")
    .returning(Identity.number, Identity.created_at, Identity.updated_at)
)


def create(
    session: Session,
    gallery_id: UUID,
    *,
    external_id: str | None,
    name: str | None,
    metadata: dict[str, Any],
    anonymous: bool = False,
) -> Identity:
    """The new identity, an object of no session. `anonymous`: without a name and an external id.

    Raises InvalidRequest, ExternalIdTaken.
    """
    identity = Identity(
        gallery_id=gallery_id,
        external_id=checked_id(external_id, "external_id"),
        name=checked_text(name, "name"),
        details=checked_metadata(metadata),
        anonymous=anonymous,
    )
    return _insert(session, identity, {})


def restore(session: Session, identity: Identity, created_at: datetime) -> Identity:
    """Inserts an identity that had a row before. Raises ExternalIdTaken."""
    return _insert(session, identity, {"created_at": created_at})


def _insert(session: Session, identity: Identity, times: dict[str, datetime]) -> Identity:
    _set_words(identity)
    inserted = session.execute(
        _INSERT,
        times
        | {
            "id": identity.id,
            "gallery_id": identity.gallery_id,
            "external_id": identity.external_id,
            "name": identity.name,
            "name_words": identity.name_words,
            "search_words": identity.search_words,
            "metadata": identity.details,
            "anonymous": identity.anonymous,
            "hidden": identity.hidden,
            "last_seen_at": identity.last_seen_at,
        },
    ).one_or_none()
    if inserted is None:
        raise _taken(identity.external_id)
    identity.number, identity.created_at, identity.updated_at = inserted
    return identity


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


def find_by_external_id(session: Session, gallery_id: UUID, external_id: str) -> Identity | None:
    return session.scalar(
        select(Identity).where(
            Identity.gallery_id == gallery_id,
            Identity.external_id == checked_id(external_id, "external_id"),
        )
    )


def get_by_external_id(session: Session, gallery_id: UUID, external_id: str) -> Identity:
    """Raises IdentityNotFound, InvalidRequest."""
    identity = find_by_external_id(session, gallery_id, external_id)
    if identity is None:
        raise IdentityNotFound(
            f"there is no identity with the external_id {external_id!r} in this gallery",
            external_id=external_id,
        )
    return identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Of people in a gallery. Each field narrows it; None: not by this field."""

    external_id: str | None = None
    name: str | None = None
    """An identity matches if each word of it begins a word of its own name, in any case and order."""
    q: str | None = None
    """As `search_words.query` reads it, or the id of an identity."""


ALL = Search()


def page(
    session: Session,
    gallery_id: UUID,
    *,
    after: UUID | None,
    limit: int,
    search: Search = ALL,
    newest_first: bool = False,
    offset: int = 0,
) -> Sequence[Identity]:
    """At most `limit` identities after the id `after`, without the first `offset`, oldest first.

    Raises InvalidRequest if `search` has no word.
    """
    ids = _matching(gallery_id, search)
    if after is not None:
        ids = ids.where(Identity.id < after if newest_first else Identity.id > after)
    order = Identity.id.desc() if newest_first else Identity.id
    ids = ids.order_by(order).limit(limit)
    if offset:  # reads the index only, and the rows of the page
        ids = ids.offset(offset)
    return session.scalars(
        select(Identity).where(Identity.id.in_(ids.subquery().select())).order_by(order)
    ).all()


def count(session: Session, gallery_id: UUID, search: Search = ALL) -> int:
    """How many identities `page` finds in all."""
    matching = _matching(gallery_id, search).with_only_columns(func.count())
    return session.scalar(matching) or 0


def _matching(gallery_id: UUID, search: Search) -> Any:
    query = select(Identity.id).where(Identity.gallery_id == gallery_id)
    if search.external_id is not None:
        query = query.where(Identity.external_id == checked_id(search.external_id, "external_id"))
    if search.name is not None:
        words = name_search.query(checked_text(search.name, "name") or "")
        if words is None:
            raise InvalidRequest("name has no word to search for", field="name")
        query = query.where(Identity.name_words.bool_op("@@")(cast(words, TSQUERY)))
    if search.q is not None:
        words = search_words.query(checked_text(search.q, "q") or "")
        if words is None:
            raise InvalidRequest("q has no word to search for", field="q")
        matches: ColumnElement[bool] = Identity.search_words.bool_op("@@")(cast(words, TSQUERY))
        with suppress(ValueError):  # it may be an external id all the same
            matches = or_(matches, Identity.id == UUID(search.q.strip()))
        query = query.where(matches)
    return query


def update(session: Session, identity: Identity, values: dict[str, Any]) -> Identity:
    """Sets those of `external_id`, `name`, `metadata` and `hidden` that are in `values`; None clears a field.

    A name or an external id ends that the identity is anonymous. If nothing differs, nothing is written and
    `updated_at` stays. Raises InvalidRequest, ExternalIdTaken.
    """
    changed: dict[str, Any] = {}
    if "external_id" in values:
        changed["external_id"] = checked_id(values["external_id"], "external_id")
    if "name" in values:
        changed["name"] = checked_text(values["name"], "name")
    if "metadata" in values:
        changed["details"] = checked_metadata(values["metadata"] or {})
    if "hidden" in values:
        changed["hidden"] = bool(values["hidden"])
    if changed.get("name") is not None or changed.get("external_id") is not None:
        changed["anonymous"] = False
    if all(getattr(identity, field) == value for field, value in changed.items()):
        return identity
    now = session.scalars(select(func.now())).one()  # first: a query flushes new values, outside of _flush
    for field, value in changed.items():
        setattr(identity, field, value)
    _set_words(identity)
    identity.updated_at = now
    _flush(session, identity.external_id)
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


def _set_words(identity: Identity) -> None:
    """Before it is written."""
    identity.name_words = name_search.document(identity.name)
    identity.search_words = search_words.document(identity.name, identity.external_id, identity.details)


def _flush(session: Session, external_id: str | None) -> None:
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError as error:
        raise _taken(external_id) from error


def _taken(external_id: str | None) -> ExternalIdTaken:
    return ExternalIdTaken(
        f"the gallery already has an identity with the external_id {external_id!r}", external_id=external_id
    )
