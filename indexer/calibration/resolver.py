"""Which scale of scores is in force: the gallery's own calibration, else the model's, else the card.

A gallery's row says which (`Gallery.calibration_id`), and calibrations never change: so what was read once
is right for as long as a row names it, and every process follows a new one with its next request.
"""

import logging
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from uuid import UUID

from indexer.calibration.card_curve import CardScale
from indexer.calibration.curve import Calibration, Estimate, Scale
from indexer.embedding.card import ModelCard
from indexer.errors import Busy, DatabaseUnavailable, InvalidRequest
from indexer.pipeline.models import GalleryModels
from indexer.records import calibrations
from indexer.records.models import Gallery
from indexer.records.session import Database

log = logging.getLogger(__name__)

Kind = Literal["gallery", "model", "card"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InForce:
    scale: Scale
    kind: Kind
    number: UUID | None
    """Of the calibration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The threshold of an answer, and what it means there."""

    threshold: float
    wanted: float
    """FPIR, or FMR of a comparison of two: the policy, whether or not the caller's own threshold
    overrides it."""
    estimate: Estimate
    """Of the threshold that was used."""
    calibration: Kind


class Scales:
    """Safe to call from several threads."""

    def __init__(self, database: Database, models: GalleryModels, fpir: float) -> None:
        """`fpir`: the policy of galleries that have none of their own."""
        self._database = database
        self._models = models
        self.fpir = fpir
        self._read: dict[UUID, InForce] = {}
        self._of_models: dict[str, UUID | None] = {}
        self._warned: dict[UUID, UUID | str] = {}
        self._lock = threading.Lock()

    def of(self, gallery: Gallery, card: ModelCard) -> InForce:
        """`card`: of the model that the row names. Raises DatabaseUnavailable."""
        if gallery.model_id is None:
            return self.of_model(card)
        return self._numbered(gallery.calibration_id, card)

    def of_model(self, card: ModelCard) -> InForce:
        """Where no gallery is asked. While PostgreSQL is away, what was in force last."""
        try:
            number = self._models.number_of(card)
            with self._database.reading() as session:
                found = calibrations.number_for_model(session, number)
            self._of_models[card.fingerprint] = found
        except (DatabaseUnavailable, Busy) as error:
            found = self._of_models.get(card.fingerprint)
            log.warning("no newer calibration can be asked for: %s", error)
        return self._numbered(found, card)

    def policy(self, gallery: Gallery) -> float:
        return self.fpir if gallery.identify_fpir is None else gallery.identify_fpir

    def decide(
        self, gallery: Gallery, card: ModelCard, faces: int, threshold: float | None = None
    ) -> Decision:
        """What to answer with, among so many `faces`. `threshold`: the caller's own. Raises
        DatabaseUnavailable."""
        in_force = self.of(gallery, card)
        decision = _decide(in_force, self.policy(gallery), faces, threshold)
        if threshold is None:
            self._tell(gallery, in_force, decision, faces)
        return decision

    def _numbered(self, number: UUID | None, card: ModelCard) -> InForce:
        if number is None:
            return of_card(card)
        found = self._read.get(number)
        if found is None:
            with self._database.reading() as session:
                row = calibrations.get(session, number)
            kind: Kind = "model" if row.gallery_id is None else "gallery"
            try:
                found = InForce(scale=Calibration.of_json(row.parameters), kind=kind, number=number)
            except InvalidRequest as error:  # a later version's, which was taken back since
                log.error("calibration %s is passed over, the model's card is in force: %s", number, error)
                found = of_card(card)
            with self._lock:
                found = self._read.setdefault(number, found)
        return found

    def _tell(self, gallery: Gallery, in_force: InForce, decision: Decision, faces: int) -> None:
        """Once, when a policy of the gallery's own is no longer borne out."""
        if gallery.identify_fpir is None or decision.estimate.trusted:
            self._warned.pop(gallery.id, None)
        elif self._warned.get(gallery.id) != (in_force.number or "card"):
            self._warned[gallery.id] = in_force.number or "card"
            log.warning(
                "gallery %s has grown beyond what its calibration (%s) can vouch for: FPIR %g at %d faces,"
                " supported up to %d; calibrate it again",
                gallery.name,
                in_force.kind,
                decision.wanted,
                faces,
                in_force.scale.most_faces(decision.wanted),
            )


def decide_pair(in_force: InForce, fmr: float, threshold: float | None = None) -> Decision:
    """For a comparison with one person."""
    return _decide(in_force, fmr, 1, threshold)


@lru_cache
def of_card(card: ModelCard) -> InForce:
    return InForce(scale=CardScale(card), kind="card", number=None)


@lru_cache(maxsize=4096)
def _decide(in_force: InForce, wanted: float, faces: int, threshold: float | None) -> Decision:
    used = in_force.scale.threshold(wanted, faces) if threshold is None else threshold
    return Decision(
        threshold=used,
        wanted=wanted,
        estimate=in_force.scale.estimate(used, faces),
        calibration=in_force.kind,
    )
