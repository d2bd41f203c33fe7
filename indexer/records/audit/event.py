"""What the audit record says of one action."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy.orm import Session

_PENDING = "audit_events"


class Action(StrEnum):
    """`noun.verb`, the verb in the past tense."""

    GALLERY_CREATED = "gallery.created"
    GALLERY_CHANGED = "gallery.changed"
    GALLERY_DELETED = "gallery.deleted"
    GALLERY_EXPORTED = "gallery.exported"
    GALLERY_IMPORT_STARTED = "gallery.import_started"
    GALLERY_IMPORTED = "gallery.imported"
    IDENTITY_ENROLLED = "identity.enrolled"
    IDENTITY_CHANGED = "identity.changed"
    IDENTITY_DELETED = "identity.deleted"
    IDENTITIES_MERGED = "identity.merged"
    IDENTITY_SPLIT = "identity.split"
    FACES_ENROLLED = "face.enrolled"
    FACE_DELETED = "face.deleted"
    FACES_MOVED = "face.moved"
    FACE_READ = "face.crop_read"
    IDENTIFIED = "search.identified"
    SEARCHED = "search.searched"
    REPLAYED = "search.replayed"
    VERIFIED = "search.verified"
    VISITOR_REMEMBERED = "visitor.remembered"
    VISITORS_FORGOTTEN = "visitor.forgotten"
    LIVENESS_CHECKED = "liveness.checked"
    REVIEW_DECIDED = "review.decided"
    PROBES_DELETED = "search.probes_deleted"
    MATCH_DISPUTED = "search.disputed"
    UNDONE = "change.undone"
    IMPORT_STARTED = "import.started"
    IMPORT_CHANGED = "import.changed"
    IMPORT_DELETED = "import.deleted"
    TRANSFER_STARTED = "transfer.started"
    TRANSFER_CHANGED = "transfer.changed"
    CLUSTERING_STARTED = "clustering.started"
    CLUSTERING_CHANGED = "clustering.changed"
    DUPLICATE_SEARCH_STARTED = "duplicate_search.started"
    DUPLICATE_SEARCH_CHANGED = "duplicate_search.changed"
    REINDEX_STARTED = "reindex.started"
    REINDEX_CHANGED = "reindex.changed"
    MODEL_SWITCHED = "model.switched"
    CALIBRATION_STORED = "calibration.stored"
    INDEX_REBUILD_REQUESTED = "index.rebuild_requested"
    LOG_PRUNED = "index.log_pruned"
    KEY_CREATED = "key.created"
    KEY_LIMITED = "key.limited"
    KEY_ROTATED = "key.rotated"
    KEY_REVOKED = "key.revoked"
    SIGNED_IN = "session.signed_in"
    SIGNED_OUT = "session.signed_out"
    AUTHENTICATION_FAILED = "authentication.failed"
    ACCESS_DENIED = "access.denied"
    EXPORTED = "data.exported"
    AUDIT_ANCHORED = "audit.anchored"
    AUDIT_PRUNED = "audit.pruned"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """The caller, the time and the request's id are added when it is written.

    It holds ids and figures, never a name, a crop or an embedding: it outlives the people in it.
    """

    action: Action
    gallery: str | None = None
    """The name it had then."""
    identity_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON."""
    id: UUID = field(default_factory=uuid_utils.compat.uuid7)


def record(session: Session, event: AuditEvent) -> UUID:
    """Has `event` written in the transaction of `session`, as its last statement before the commit: writers
    of the audit record take turns, and hold it for the time of a commit only. Returns the event's id."""
    session.info.setdefault(_PENDING, []).append(event)
    return event.id


def take_pending(session: Session) -> list[AuditEvent]:
    """The events recorded since the last call."""
    events: list[AuditEvent] = session.info.pop(_PENDING, [])
    return events
