"""What the liveness head cannot judge, and with which weights it adds the networks."""

import numpy as np
import pytest

from indexer.attributes.estimate import CannotTell
from indexer.attributes.head import FaceView
from indexer.attributes.heads.liveness.fusion import fused_log_odds
from indexer.attributes.heads.liveness.head import is_close, reason_against
from indexer.types import Box, Face, Image, Quality

COLOURED = np.full((400, 300, 3), (200, 150, 120), np.uint8)


def view(
    pixels: Image, box: tuple[float, float, float, float], *, divisor: int = 1, sharpness: float = 0.1
) -> FaceView:
    """`box`: x, y, width, height, in pixels of the photograph as it was sent."""
    x, y, width, height = box
    quality = Quality(
        score=90,
        size=90,
        sharpness=90,
        exposure=90,
        pose=90,
        face_px=min(width, height),
        sharpness_ratio=sharpness,
    )
    face = Face(
        box=Box(x=x, y=y, width=width, height=height), landmarks=np.zeros((5, 2), np.float32), confidence=1.0
    )
    return FaceView(pixels=pixels, divisor=divisor, face=face, quality=quality)


@pytest.mark.parametrize(
    ("face", "reason"),
    [
        (view(COLOURED, (100, 100, 100, 130)), None),
        (view(COLOURED, (100, 100, 30, 40)), CannotTell.TOO_SMALL),
        (view(COLOURED, (-40, 100, 100, 130)), CannotTell.CUT_OFF),
        (view(COLOURED, (100, 100, 100, 130), sharpness=0.0005), CannotTell.TOO_BLURRED),
        (view(np.full((400, 300, 3), 128, np.uint8), (100, 100, 100, 130)), CannotTell.NO_COLOUR),
        (view(COLOURED, (400, 400, 400, 520), divisor=4), None),
    ],
)
def test_it_says_why_it_cannot_judge_a_face(face: FaceView, reason: CannotTell | None) -> None:
    assert reason_against(face) is reason


def test_a_picture_that_ends_near_the_face_is_close_and_one_with_surroundings_is_not() -> None:
    assert is_close(view(COLOURED, (10, 10, 280, 380)))
    assert not is_close(view(COLOURED, (100, 130, 100, 130)))


def test_no_network_outweighs_the_others_without_limit() -> None:
    assert fused_log_odds([0, 0, 1e6], close=False) == fused_log_odds([0, 0, 20], close=False)
    assert fused_log_odds([-1e6, 5, 5], close=True) == fused_log_odds([-12, 5, 5], close=True)


def test_each_network_can_only_raise_the_odds_of_a_person() -> None:
    for close in (True, False):
        least = fused_log_odds([0, 0, 0], close=close)
        for number in range(3):
            odds = [0.0, 0.0, 0.0]
            odds[number] = 5.0
            assert fused_log_odds(odds, close=close) > least
