"""Inserts identities: one, or several by one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as insert_into
from sqlalchemy.orm import Session

from indexer.errors import ExternalIdTaken, InvalidRequest
from indexer.records.enrolled.words import name_search, search_words
from indexer.records.tables import Identity
from indexer.records.text import checked_id, checked_metadata, checked_text

_TABLE = cast(Table, Identity.__table__)
_INSERT = (
    insert_into(_TABLE)
    .on_conflict_do_nothing(constraint="identity_external_id_key")
    .returning(Identity.id, Identity.number, Identity.created_at, Identity.updated_at)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIdentity:
    external_id: str | None = None
    name: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    anonymous: bool = False
    """Nobody has said who this is; without a name and an external id."""
    last_seen_at: datetime | None = None
    """Of a visitor."""


def create_several(session: Session, gallery_id: UUID, several: Sequence[NewIdentity]) -> list[Identity]:
    """As `identities.create`, by one statement. Nothing of the transaction may be kept if this raises."""
    made = [_checked(gallery_id, new) for new in several]
    if made:
        insert(session, made)
    return made


def _checked(gallery_id: UUID, new: NewIdentity) -> Identity:
    """Raises InvalidRequest."""
    if new.anonymous and (new.name is not None or new.external_id is not None):
        raise not_anonymous()
    return Identity(
        gallery_id=gallery_id,
        external_id=checked_id(new.external_id, "external_id"),
        name=checked_text(new.name, "name"),
        details=checked_metadata(new.metadata),
        anonymous=new.anonymous,
        last_seen_at=new.last_seen_at,
    )


def insert(
    session: Session, several: Sequence[Identity], created_at: Sequence[datetime] | None = None
) -> None:
    """`created_at`: of each; by default the time of the transaction. Raises ExternalIdTaken."""
    rows: list[dict[str, Any]] = []
    for place, identity in enumerate(several):
        set_words(identity)
        columns = {
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
        }
        rows.append(columns if created_at is None else columns | {"created_at": created_at[place]})
    given = {row.id: row for row in session.execute(_INSERT, rows)}
    for identity in several:
        row = given.get(identity.id)
        if row is None:
            raise taken(identity.external_id)
        identity.number, identity.created_at, identity.updated_at = row.number, row.created_at, row.updated_at


def set_words(identity: Identity) -> None:
    """Before it is written."""
    identity.name_words = name_search.document(identity.name)
    identity.search_words = search_words.document(identity.name, identity.external_id, identity.details)


def taken(external_id: str | None) -> ExternalIdTaken:
    return ExternalIdTaken(
        f"the gallery already has an identity with the external_id {external_id!r}", external_id=external_id
    )


def not_anonymous() -> InvalidRequest:
    return InvalidRequest(
        "somebody with a name or an external id is not anonymous; set both to null", field="anonymous"
    )
