"""The calibration that is active for a gallery or a model: a score curve and where it came from."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from uuid import UUID

from indexer.calibration.threshold.card_curve import CardCurve
from indexer.calibration.threshold.curve import ScoreCurve
from indexer.embedding.card import ModelCard

Kind = Literal["gallery", "model", "card"]
"""The gallery's own calibration, one of the model for every gallery, or the model's card."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ActiveCalibration:
    curve: ScoreCurve
    kind: Kind
    id: UUID | None
    """Of the calibration's row; None for a card."""


@lru_cache
def of_card(card: ModelCard) -> ActiveCalibration:
    return ActiveCalibration(curve=CardCurve(card), kind="card", id=None)
