"""Liveness of a face in a single picture."""

from collections.abc import Sequence

import numpy as np

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView
from indexer.attributes.heads.liveness.fusion import fused_log_odds
from indexer.attributes.heads.liveness.networks import KINDS, LivenessNetworks, box_of
from indexer.vision.surroundings import share_inside

LIVE, ATTACK = "live", "attack"
MIN_FACE_PX = 48.0
"""Of the shorter side of the face's box. In smaller faces neither print nor screen shows."""
MIN_SHARE_INSIDE = 0.8
"""Of the face's box, within the picture."""


class LivenessHead:
    """A person before the camera, or a print or a screen. Safe to call from several threads."""

    def __init__(self, v2: bytes, v1se: bytes, retrained: bytes, *, threads: int) -> None:
        """Raises ValueError, RuntimeError if one is not the network's file."""
        self._networks = LivenessNetworks(v2, v1se, retrained, threads=threads)

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        reasons = [reason_against(face) for face in faces]
        usable = [face for face, reason in zip(faces, reasons, strict=True) if reason is None]
        odds = iter(self._networks.log_odds(usable))
        return [
            _estimate(next(odds).tolist()) if reason is None else Estimate.nothing(reason)
            for reason in reasons
        ]


def reason_against(face: FaceView) -> CannotTell | None:
    """Why the networks are not asked about the face."""
    if face.quality.face_px < MIN_FACE_PX:
        return CannotTell.TOO_SMALL
    height, width = face.pixels.shape[:2]
    if share_inside(box_of(face), width, height) < MIN_SHARE_INSIDE:
        return CannotTell.CUT_OFF
    return None


def _estimate(odds: list[float]) -> Estimate:
    """`odds`: of each network, in the order of `KINDS`."""
    fused = fused_log_odds(odds)
    scores = {kind.name: _probability(one) for kind, one in zip(KINDS, odds, strict=True)}
    live = _probability(fused)
    return Estimate(
        value=LIVE if live >= 0.5 else ATTACK,
        confidence=max(live, 1 - live),
        scores={LIVE: live, **scores},
    )


def _probability(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))
