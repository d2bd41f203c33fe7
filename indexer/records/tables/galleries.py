"""Galleries: their model, policy and place in the change log."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Double,
    ForeignKey,
    Select,
    Text,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column

from indexer.records.tables.base import Base, insertion_time
from indexer.records.tables.models import Calibration, Model
from indexer.records.tables.reindexes import Reindex
from indexer.types import LOG_START, DuplicateCheck, LivenessPolicy, LogPosition, PersonScore

VISITOR_LIFETIME_HOURS = 72.0
MAX_VISITORS = 10_000
MAX_VISITOR_FACES = 5

_T = TypeVar("_T")
_Of = ColumnElement[_T] | Mapped[_T]


def active_calibration(
    gallery_id: _Of[UUID], model_id: _Of[int | None], person_score: _Of[str]
) -> Select[UUID]:
    """Of a gallery with this model and policy: the newest of the gallery, else the newest of the model."""
    return (
        select(Calibration.id)
        .where(
            Calibration.model_id == model_id,
            or_(Calibration.gallery_id == gallery_id, Calibration.gallery_id.is_(None)),
            # Scores of strangers are lower where they are fused: thresholds for these are too low for others.
            or_(Calibration.person_score == PersonScore.NEAREST, person_score == PersonScore.FUSED),
        )
        .order_by(Calibration.gallery_id.is_(None), Calibration.created_at.desc())
        .limit(1)
    )


class Gallery(Base, kw_only=True):
    """People who are searched together."""

    __tablename__ = "gallery"
    __table_args__ = (
        CheckConstraint("name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'", name="gallery_name_check"),
        CheckConstraint("change_number >= 0", name="gallery_change_number_check"),
        CheckConstraint("face_count >= 0", name="gallery_face_count_check"),
        CheckConstraint("identify_fpir > 0 AND identify_fpir < 1", name="gallery_identify_fpir_check"),
        CheckConstraint("min_match_face_px >= 0", name="gallery_min_match_face_px_check"),
        CheckConstraint("min_match_sharpness >= 0", name="gallery_min_match_sharpness_check"),
        CheckConstraint(
            "max_match_miss_rate >= 0 AND max_match_miss_rate <= 1", name="gallery_max_match_miss_rate_check"
        ),
        CheckConstraint("person_score IN ('nearest', 'fused')", name="gallery_person_score_check"),
        CheckConstraint(
            "duplicate_check IN ('off', 'warn', 'review', 'reject')", name="gallery_duplicate_check_check"
        ),
        CheckConstraint("duplicate_fpir > 0 AND duplicate_fpir < 1", name="gallery_duplicate_fpir_check"),
        CheckConstraint(
            "min_visitor_quality >= 0 AND min_visitor_quality <= 100",
            name="gallery_min_visitor_quality_check",
        ),
        CheckConstraint("visitor_lifetime_hours > 0", name="gallery_visitor_lifetime_hours_check"),
        CheckConstraint("max_visitors > 0", name="gallery_max_visitors_check"),
        CheckConstraint("max_visitor_faces > 0", name="gallery_max_visitor_faces_check"),
        CheckConstraint(
            "attributes <@ ARRAY['liveness', 'expression', 'age', 'gender', 'mask', 'glasses', 'pose',"
            " 'eyes', 'occlusion', 'quality']",
            name="gallery_attributes_check",
        ),
        CheckConstraint("liveness IN ('off', 'report', 'reject')", name="gallery_liveness_check"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    name: Mapped[str] = mapped_column(Text, unique=True)
    store_crops: Mapped[bool] = mapped_column(default=True)
    keep_probes: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Policy: a crop of each identified face is kept beside the audit record."""
    has_disputes: Mapped[bool] = mapped_column(server_default=text("false"), init=False)
    """Whether there ever was one: only then do searches look for disputes."""
    change_number: Mapped[int] = mapped_column(BigInteger, server_default="0", init=False)
    """Number of the last change. To take the next number locks this row until the transaction ends, so
    that changes become visible in the order of their numbers (docs/decisions/0003)."""
    change_token: Mapped[UUID] = mapped_column(server_default=text(f"'{LOG_START.token}'"), init=False)
    """Token of the last change: number and token together identify a log (docs/decisions/0011)."""
    last_face_key: Mapped[int] = mapped_column(BigInteger, server_default="0", init=False)
    """The largest key that a face or a person template of the gallery was given."""
    face_count: Mapped[int] = mapped_column(BigInteger, server_default="0", init=False)
    model_id: Mapped[int | None] = mapped_column(ForeignKey("model.id"), default=None)
    """The model that searches use: this row alone decides. None until a face is enrolled."""
    rebuild_number: Mapped[int] = mapped_column("index_epoch", BigInteger, server_default="0", init=False)
    """Raised to have every process rebuild its index."""
    index_tier: Mapped[str | None] = mapped_column(Text, default=None)
    """An operator's choice for this gallery; None: each process decides by its settings."""
    identify_fpir: Mapped[float | None] = mapped_column(Double, default=None)
    """Policy: share of searches for strangers that may give a false alarm. None: by the settings."""
    min_match_face_px: Mapped[float | None] = mapped_column(Double, default=None)
    """Policy: smaller faces of a photograph match nobody. 0: no limit; None: by the settings."""
    min_match_sharpness: Mapped[float | None] = mapped_column(Double, default=None)
    """Policy: less sharp faces of a photograph match nobody. 0: no limit; None: by the settings."""
    max_match_miss_rate: Mapped[float | None] = mapped_column(Double, default=None)
    """Policy: faces of a photograph with a higher expected miss rate match nobody. 1: no limit; None: by the
    settings."""
    person_score: Mapped[str] = mapped_column(Text, server_default="nearest", default=PersonScore.NEAREST)
    """Policy: how the faces of a person make one score. Only `fused` keeps person templates."""
    duplicate_check: Mapped[str] = mapped_column(Text, server_default="off", default=DuplicateCheck.OFF)
    """Policy: what an enrolment does with a face that looks like another person of the gallery."""
    duplicate_fpir: Mapped[float | None] = mapped_column(Double, default=None)
    """Policy: share of new people's faces that may be taken for somebody enrolled. None: a tenth of the FPIR
    of identification."""
    remember_unknown: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Policy: faces that match nobody are remembered as anonymous identities (docs/decisions/0034)."""
    min_visitor_quality: Mapped[float | None] = mapped_column(Double, default=None)
    """Policy: least quality of a remembered face, 0 to 100. None: the limits of enrolment alone."""
    visitor_lifetime_hours: Mapped[float] = mapped_column(
        Double, server_default="72", default=VISITOR_LIFETIME_HOURS
    )
    """Policy: since the last sighting; then the visitor is forgotten."""
    max_visitors: Mapped[int] = mapped_column(server_default="10000", default=MAX_VISITORS)
    """Policy: a further visitor takes the place of the one who was not seen for the longest time."""
    max_visitor_faces: Mapped[int] = mapped_column(server_default="5", default=MAX_VISITOR_FACES)
    """Policy: faces that are remembered of one visitor."""
    attributes: Mapped[list[str] | None] = mapped_column(ARRAY(Text), default=None)
    """Policy: attributes of a face that requests may ask for. Empty: none; None: those of the settings."""
    liveness: Mapped[str] = mapped_column(Text, server_default="off", default=LivenessPolicy.OFF)
    """Policy: a member of `LivenessPolicy`."""
    created_at: Mapped[datetime] = insertion_time()
    calibration_id: Mapped[UUID | None] = column_property(
        active_calibration(id, model_id, person_score)  # noqa: A003
        .correlate_except(Calibration)
        .scalar_subquery(),
        init=False,
    )
    """The active calibration: the newest of this gallery with its model, else the newest of the model. It
    comes with the row, so that a request sees at no further cost whether its threshold is up to date."""

    model_fingerprint: Mapped[str | None] = column_property(
        select(Model.fingerprint).where(Model.id == model_id).correlate_except(Model).scalar_subquery(),
        init=False,
    )
    """Fingerprint of the model that searches use. A restored database may give a model's number to another
    model; a fingerprint is never reused."""
    embedded_by: Mapped[UUID | None] = column_property(
        select(Reindex.id)
        .where(Reindex.gallery_id == id, Reindex.to_model_id == model_id)  # noqa: A003
        .order_by(Reindex.created_at.desc())
        .limit(1)
        .correlate_except(Reindex)
        .scalar_subquery(),
        init=False,
    )
    """The last re-index job that went to its model; None where only enrolments used the model. An index
    that was built after another job has embeddings that are deleted by now."""

    @property
    def position(self) -> LogPosition:
        """The end of its change log."""
        return LogPosition(number=self.change_number, token=self.change_token)
