"""Stored calibrations. `indexer.calibration` knows what their parameters mean."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.notifications import notify
from indexer.records.tables import Calibration, Gallery
from indexer.records.tables.galleries import active_calibration
from indexer.types import PersonScore

Source = Literal["gallery", "photographs", "pairs"]


def add(
    session: Session,
    *,
    gallery_id: UUID | None,
    model_id: int,
    source: Source,
    parameters: Mapping[str, Any],
    person_score: PersonScore = PersonScore.NEAREST,
    measured_at: datetime | None = None,
) -> Calibration:
    """Active as soon as the transaction ends. `gallery_id`: None for a calibration of the model.
    `measured_at`: of one that is imported.

    `person_score`: by which the scores were measured; one that was measured with fused scores is active only
    while they are the gallery's.
    """
    row = Calibration(
        gallery_id=gallery_id,
        model_id=model_id,
        source=source,
        parameters=dict(parameters),
        person_score=person_score,
    )
    if measured_at is not None:
        row.created_at = measured_at
    session.add(row)
    session.flush()
    if gallery_id is not None:
        notify(session, gallery_id)
    gallery = None if gallery_id is None else session.get_one(Gallery, gallery_id)
    record(
        session,
        AuditEvent(
            action=Action.CALIBRATION_STORED,
            gallery=None if gallery is None else gallery.name,
            details={
                "calibration_id": row.id,
                "model_id": model_id,
                "source": source,
                "person_score": person_score,
            },
        ),
    )
    return row


def get(session: Session, number: UUID) -> Calibration:
    return session.get_one(Calibration, number)


def of_gallery(session: Session, gallery_id: UUID, model_id: int) -> Calibration | None:
    """The newest of a gallery with a model."""
    return session.scalar(
        select(Calibration)
        .where(Calibration.gallery_id == gallery_id, Calibration.model_id == model_id)
        .order_by(Calibration.created_at.desc())
        .limit(1)
    )


def number_with_score(session: Session, gallery: Gallery, person_score: PersonScore) -> UUID | None:
    """The id of the one that is active once the gallery has this policy; None for the model's card."""
    return session.scalar(
        active_calibration(literal(gallery.id), literal(gallery.model_id), literal(person_score))
    )


def number_for_model(session: Session, model_id: int) -> UUID | None:
    """The id of the newest of a model, which is used where a gallery has none of its own."""
    return session.scalar(
        select(Calibration.id)
        .where(Calibration.gallery_id.is_(None), Calibration.model_id == model_id)
        .order_by(Calibration.created_at.desc())
        .limit(1)
    )
