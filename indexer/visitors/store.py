"""What the memory of visitors writes: each in a transaction that holds the gallery's lock."""

from uuid import UUID

import numpy as np
import uuid_utils.compat

from indexer.embedding.card import ModelCard
from indexer.records import changes, reindexes
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Session
from indexer.records.enrolled import faces, person_templates, visitors
from indexer.records.tables import Gallery
from indexer.types import ChangeKind
from indexer.visitors.grouping import belongs
from indexer.visitors.visit import ProbeFace, Visit, VisitOutcome


def open_visitor(session: Session, gallery: Gallery, card: ModelCard, probe: ProbeFace) -> Visit:
    """A new anonymous identity with the face."""
    visitor = visitors.add(session, gallery.id)
    return _add(session, gallery, card, visitor.id, probe, VisitOutcome.NEW)


def add_if_fits(
    session: Session,
    gallery: Gallery,
    card: ModelCard,
    identity_id: UUID,
    probe: ProbeFace,
    threshold: float,
) -> Visit:
    """Another face of a visitor."""
    if not fits(session, gallery, card, identity_id, probe, threshold):
        return Visit(outcome=VisitOutcome.SEEN, identity_id=identity_id)
    return _add(session, gallery, card, identity_id, probe, VisitOutcome.FACE_ADDED)


def fits(
    session: Session,
    gallery: Gallery,
    card: ModelCard,
    identity_id: UUID,
    probe: ProbeFace,
    threshold: float,
) -> bool:
    """Whether the face may become one of the visitor's: there are fewer than the most, it belongs to them by
    `grouping.belongs`, and is of another photograph."""
    if faces.count_by_identity(session, [identity_id])[identity_id] >= gallery.max_visitor_faces:
        return False
    known = [rows for _, rows in faces.read_vectors(session, identity_id, card.fingerprint)]
    if not known or not belongs(probe.vector, np.concatenate(known), threshold):
        return False
    return not faces.enrolled_images(session, identity_id, [probe.image_sha256])


def has_second_model(session: Session, gallery: Gallery) -> bool:
    return len(reindexes.models_in_use(session, [gallery.id])[gallery.id]) > 1


def _add(
    session: Session,
    gallery: Gallery,
    card: ModelCard,
    identity_id: UUID,
    probe: ProbeFace,
    outcome: VisitOutcome,
) -> Visit:
    """While the gallery changes its model, the re-index job embeds the face's crop with the other one."""
    assert gallery.model_id is not None
    event_id = uuid_utils.compat.uuid7()
    [face] = faces.add(
        session,
        identity_id,
        [probe.enrolment(card.fingerprint, store_crop=gallery.store_crops)],
        {card.fingerprint: gallery.model_id},
        probe.audit_id or event_id,
    )
    templates = (
        person_templates.NOTHING
        if outcome is VisitOutcome.NEW
        else person_templates.replace(session, gallery.id, [identity_id])
    )
    number = changes.append(session, gallery.id, ChangeKind.ENROL, [face.key], templates)
    details = {
        "face_id": str(face.id),
        "quality": round(face.quality, 1),
        "new": outcome is VisitOutcome.NEW,
        "search": None if probe.audit_id is None else str(probe.audit_id),
        "model": card.fingerprint,
        "change_number": number,
    }
    record(
        session,
        AuditEvent(
            action=Action.VISITOR_REMEMBERED,
            id=event_id,
            gallery=gallery.name,
            identity_id=identity_id,
            details=details,
        ),
    )
    return Visit(outcome=outcome, identity_id=identity_id, face_id=face.id)
