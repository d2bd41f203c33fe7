"""Forgets visitors: deletes them with their faces, crops and probes, as a person is deleted."""

from collections.abc import Callable, Collection
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from indexer.records import changes, galleries
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import person_templates, visitors
from indexer.records.people import erasure
from indexer.records.tables import Gallery
from indexer.types import ChangeKind

VISITORS_OF_A_TRANSACTION = 200
"""While they are deleted, no other transaction can write to the gallery."""


class Reason(StrEnum):
    EXPIRED = "expired"
    """Not seen for longer than the gallery's policy allows."""
    TOO_MANY = "too_many"
    """There were more than the policy allows."""
    REQUESTED = "requested"


def forget(session: Session, gallery: Gallery, identity_ids: Collection[UUID], reason: Reason) -> None:
    """In a transaction that holds the lock of `gallery`."""
    if not identity_ids:
        return
    templates = person_templates.remove(session, identity_ids)
    erasure.forget(session, identity_ids)
    keys = visitors.remove(session, identity_ids)
    changes.append(session, gallery.id, ChangeKind.DELETE, keys, templates)
    details = {"identities": sorted(map(str, identity_ids)), "faces": len(keys), "reason": reason.value}
    record(session, AuditEvent(action=Action.VISITORS_FORGOTTEN, gallery=gallery.name, details=details))


def forget_unseen(
    database: Database,
    gallery_id: UUID,
    older_than: timedelta | None = None,
    *,
    reason: Reason = Reason.REQUESTED,
    progress: Callable[[int], object] = lambda _: None,
) -> int:
    """Forgets visitors who were not seen for so long, or all; returns how many there were.

    One transaction for every 200: what is interrupted is continued by the next call. `progress` gets the
    number so far. Raises GalleryNotFound.
    """
    forgotten = 0
    while True:
        with database.transaction() as session:
            gallery = galleries.lock(session, gallery_id)
            some = visitors.unseen_longest(
                session, gallery_id, limit=VISITORS_OF_A_TRANSACTION, older_than=older_than
            )
            forget(session, gallery, some, reason)
        forgotten += len(some)
        progress(forgotten)
        if len(some) < VISITORS_OF_A_TRANSACTION:
            return forgotten


def make_room(session: Session, gallery: Gallery, *, places: int = 0) -> int:
    """Forgets those who were not seen for the longest time, until `places` more are within the policy; 200
    at most. Returns how many. The transaction holds the lock of `gallery`."""
    excess = visitors.count(session, gallery.id) + places - gallery.max_visitors
    if excess <= 0:
        return 0
    some = visitors.unseen_longest(session, gallery.id, limit=min(excess, VISITORS_OF_A_TRANSACTION))
    forget(session, gallery, some, Reason.TOO_MANY)
    return len(some)
