"""Which calibration is active: the gallery's own, else the model's, else the model's card.

`Gallery.calibration_id` says which; the database computes it with the gallery's row. A stored calibration
never changes, so it is read once and cached, and every process uses a new one from its next request on.
"""

import logging
import threading
from uuid import UUID

from indexer.calibration.active import ActiveCalibration, Kind, of_card
from indexer.calibration.threshold import decision as thresholds
from indexer.calibration.threshold.decision import Decision
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.embedding.card import ModelCard
from indexer.errors import Busy, DatabaseUnavailable, InvalidRequest
from indexer.pipeline.models import GalleryModels
from indexer.records import calibrations
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.types import PersonScore

log = logging.getLogger(__name__)


class CalibrationResolver:
    """Safe to call from several threads."""

    def __init__(self, database: Database, models: GalleryModels, fpir: float) -> None:
        """`fpir`: the policy of galleries that have none of their own."""
        self._database = database
        self._models = models
        self.fpir = fpir
        self._lock = threading.Lock()
        self._cached: dict[UUID, ActiveCalibration] = {}
        self._last_of_models: dict[str, UUID | None] = {}
        """By fingerprint, for use while PostgreSQL is unavailable."""
        self._warned: dict[UUID, UUID | str] = {}
        """By gallery: the calibration that a warning was logged about."""

    def for_gallery(
        self, gallery: Gallery, card: ModelCard, *, person_score: PersonScore | None = None
    ) -> ActiveCalibration:
        """`card`: of the model that the gallery's row names. `person_score`: as if this were the gallery's
        policy. Raises DatabaseUnavailable."""
        if gallery.model_id is None:
            return self.for_model(card)
        if person_score is None:
            return self._load(gallery.calibration_id, card)
        with self._database.reading() as session:
            number = calibrations.number_with_score(session, gallery, person_score)
        return self._load(number, card)

    def for_model(self, card: ModelCard) -> ActiveCalibration:
        """For a request without a gallery. Uses the last one known while PostgreSQL is unavailable."""
        try:
            number = self._models.number_of(card)
            with self._database.reading() as session:
                found = calibrations.number_for_model(session, number)
            with self._lock:
                self._last_of_models[card.fingerprint] = found
        except (DatabaseUnavailable, Busy) as error:
            with self._lock:
                found = self._last_of_models.get(card.fingerprint)
            log.warning("cannot look for a newer calibration of %s: %s", card.fingerprint, error)
        return self._load(found, card)

    def fpir_of(self, gallery: Gallery) -> float:
        """The gallery's policy."""
        return self.fpir if gallery.identify_fpir is None else gallery.identify_fpir

    def decide(
        self, gallery: Gallery, card: ModelCard, faces: int, threshold: float | None = None
    ) -> Decision:
        """The threshold for a search of the gallery among `faces` faces. `threshold`: the caller's own.

        Raises DatabaseUnavailable.
        """
        calibration = self.for_gallery(gallery, card)
        decision = thresholds.decide(calibration, self.fpir_of(gallery), faces, threshold)
        if threshold is None:
            self._warn_if_unsupported(gallery, calibration, decision, faces)
        return decision

    def _load(self, calibration_id: UUID | None, card: ModelCard) -> ActiveCalibration:
        if calibration_id is None:
            return of_card(card)
        with self._lock:
            found = self._cached.get(calibration_id)
        if found is not None:
            return found
        with self._database.reading() as session:
            row = calibrations.get(session, calibration_id)
        kind: Kind = "model" if row.gallery_id is None else "gallery"
        try:
            curve = MeasuredCurve.from_json(row.parameters)
            found = ActiveCalibration(curve=curve, kind=kind, id=calibration_id)
        except InvalidRequest as error:  # a later version of Gemel wrote it, and was then downgraded
            log.error("calibration %s is skipped, the model's card is active: %s", calibration_id, error)
            found = of_card(card)
        with self._lock:
            return self._cached.setdefault(calibration_id, found)

    def _warn_if_unsupported(
        self, gallery: Gallery, calibration: ActiveCalibration, decision: Decision, faces: int
    ) -> None:
        """Once for each calibration, when the gallery has outgrown what supports its own policy."""
        unsupported = gallery.identify_fpir is not None and not decision.estimate.trusted
        with self._lock:
            if not unsupported:
                self._warned.pop(gallery.id, None)
                return
            known = self._warned.get(gallery.id)
            self._warned[gallery.id] = calibration.id or "card"
        if known != (calibration.id or "card"):
            log.warning(
                "gallery %s has outgrown its calibration (%s): an FPIR of %g is not supported at %d faces,"
                " only up to %d; run `gemel calibrate` again",
                gallery.name,
                calibration.kind,
                decision.target,
                faces,
                calibration.curve.most_faces(decision.target),
            )
