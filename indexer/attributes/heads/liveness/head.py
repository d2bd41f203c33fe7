"""Liveness of a face in a single picture."""

from collections.abc import Sequence

import numpy as np

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView
from indexer.attributes.heads.liveness.decision import ATTACK, LIVE, THRESHOLD
from indexer.attributes.heads.liveness.fusion import fused_log_odds
from indexer.attributes.heads.liveness.networks import KINDS, RETRAINED, LivenessNetworks, box_of
from indexer.types import Box
from indexer.vision.surroundings import is_grey, share_inside

MIN_FACE_PX = 36.0
"""Of the shorter side of the face's box. In smaller faces neither print nor screen shows."""
MIN_SHARE_INSIDE = 0.8
"""Of the face's box, within the picture."""
MIN_SHARPNESS = 0.001
"""As `vision.quality` measures it: blurred away are also a screen's pixels and a print's dots."""
MIN_SHARE_AROUND = 0.9
"""Of the square about the face that the third network takes in: with less, the picture is cut close."""


class LivenessHead:
    """A person, or a print or a screen that shows one. Safe to call from several threads."""

    def __init__(self, v2: bytes, v1se: bytes, retrained: bytes, *, threads: int) -> None:
        """Raises ValueError, RuntimeError if one is not the network's file."""
        self._networks = LivenessNetworks(v2, v1se, retrained, threads=threads)

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        reasons = [reason_against(face) for face in faces]
        usable = [face for face, reason in zip(faces, reasons, strict=True) if reason is None]
        odds = iter(self._networks.log_odds(usable))
        return [
            _estimate(next(odds).tolist(), close=is_close(face))
            if reason is None
            else Estimate.nothing(reason)
            for face, reason in zip(faces, reasons, strict=True)
        ]


def reason_against(face: FaceView) -> CannotTell | None:
    """Why the networks cannot judge the face."""
    if face.quality.face_px < MIN_FACE_PX:
        return CannotTell.TOO_SMALL
    box, (height, width) = box_of(face), face.pixels.shape[:2]
    if share_inside(box, width, height) < MIN_SHARE_INSIDE:
        return CannotTell.CUT_OFF
    if face.quality.sharpness_ratio < MIN_SHARPNESS:
        return CannotTell.TOO_BLURRED
    if is_grey(face.pixels, box):
        return CannotTell.NO_COLOUR
    return None


def is_close(face: FaceView) -> bool:
    """Whether the picture ends near the face."""
    box, (height, width) = box_of(face), face.pixels.shape[:2]
    side = max(box.width, box.height) * RETRAINED.scale
    x, y = box.x + (box.width - side) / 2, box.y + (box.height - side) / 2
    return share_inside(Box(x=x, y=y, width=side, height=side), width, height) < MIN_SHARE_AROUND


def _estimate(odds: list[float], *, close: bool) -> Estimate:
    """`odds`: of each network, in the order of `KINDS`."""
    fused = fused_log_odds(odds, close=close)
    scores = {kind.name: _probability(one) for kind, one in zip(KINDS, odds, strict=True)}
    live = _probability(fused)
    return Estimate(
        value=LIVE if live >= THRESHOLD else ATTACK,
        confidence=max(live, 1 - live),
        scores={LIVE: live, **scores},
    )


def _probability(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))
