"""Adds and withdraws disputes of matches ("this is not that person"), and deletes kept crops of a search."""

from uuid import UUID

from indexer.audit.searches.explanation import recorded_search
from indexer.callers import current_caller
from indexer.errors import DisputeNotFound, FaceNotFound, InvalidRequest
from indexer.records import galleries
from indexer.records.audit import disputes, present, probes, rows
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.audit.present import PresentFace
from indexer.records.audit.search_details import RecordedCandidate, RecordedSearch
from indexer.records.database.session import Database, Session
from indexer.records.tables import Dispute


def dispute(database: Database, event_id: UUID, face: int, identity_id: UUID) -> Dispute:
    """`face`: its number in the answer, from 0. A match that is disputed already stays so.

    Raises AuditEventNotFound, InvalidRequest (no search, no such face, or not one of its first two
    candidates), FaceNotFound if the enrolled face was deleted.
    """
    with database.transaction() as session:
        row = rows.get(session, event_id)
        search = recorded_search(row)
        candidate = _candidate(search, face, identity_id)
        gallery = galleries.lock(session, _enrolled(session, candidate.face_id).gallery_id)
        _enrolled(session, candidate.face_id)  # it may have been deleted before the lock was free
        found, is_new = disputes.add(
            session,
            gallery,
            Dispute(
                gallery_id=gallery.id,
                event_id=event_id,
                probe=face,
                face_id=candidate.face_id,
                identity_id=identity_id,
                score=candidate.score,
                model=search.model,
                disputed_by=current_caller.get().name,
            ),
        )
        if is_new:
            record(session, _event(found, gallery.name, withdrawn=False))
    return found


def find(database: Database, event_id: UUID, face: int, identity_id: UUID) -> Dispute:
    """Raises DisputeNotFound."""
    with database.reading() as session:
        for found in disputes.of_event(session, event_id):
            if (found.probe, found.identity_id) == (face, identity_id):
                return found
    raise DisputeNotFound("nobody disputes this match", id=str(event_id))


def withdraw(database: Database, event_id: UUID, dispute_id: UUID) -> None:
    """Raises DisputeNotFound."""
    with database.transaction() as session:
        gallery = galleries.lock(session, _stored(session, event_id, dispute_id).gallery_id)
        found = _stored(session, event_id, dispute_id)  # it may have been withdrawn before the lock was free
        disputes.remove(session, dispute_id)
        record(session, _event(found, gallery.name, withdrawn=True))


def forget(database: Database, event_id: UUID) -> int:
    """Deletes the kept crops of an identification; how many there were. Raises AuditEventNotFound."""
    with database.transaction() as session:
        row = rows.get(session, event_id)
        count = probes.delete_of_event(session, event_id)
        if count:
            details = {"audit_id": event_id, "faces": count}
            record(session, AuditEvent(action=Action.PROBES_DELETED, gallery=row.gallery, details=details))
    return count


def _enrolled(session: Session, face_id: UUID) -> PresentFace:
    """Raises FaceNotFound."""
    found = present.faces(session, [face_id]).get(face_id)
    if found is None:
        raise FaceNotFound("the enrolled face has since been deleted", id=str(face_id))
    return found


def _stored(session: Session, event_id: UUID, dispute_id: UUID) -> Dispute:
    """Raises DisputeNotFound."""
    found = disputes.get(session, event_id, dispute_id)
    if found is None:
        raise DisputeNotFound(f"the event has no dispute {dispute_id}", id=str(dispute_id))
    return found


def _candidate(search: RecordedSearch, face: int, identity_id: UUID) -> RecordedCandidate:
    """Raises InvalidRequest."""
    if not 0 <= face < len(search.faces):
        raise InvalidRequest(f"the search had {len(search.faces)} faces; they count from 0", field="face")
    for candidate in search.faces[face].candidates:
        if candidate.identity_id == identity_id:
            return candidate
    raise InvalidRequest(
        "the identity is not among the first two candidates of this face", field="identity_id"
    )


def _event(found: Dispute, gallery: str, *, withdrawn: bool) -> AuditEvent:
    details = {
        "dispute_id": found.id,
        "audit_id": found.event_id,
        "face": found.probe,
        "face_id": found.face_id,
        "score": round(found.score, 6),
        "withdrawn": withdrawn,
    }
    return AuditEvent(
        action=Action.MATCH_DISPUTED, gallery=gallery, identity_id=found.identity_id, details=details
    )
