"""What the frames of a burst say of liveness, one by one and together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.types import Image
from indexer.vision.registration import has_contrast, planar_correlation

MIN_JUDGED = 3
"""Frames that the liveness head has judged."""
MIN_DISTINCT = 3
"""Frames that are not views of one flat picture."""
SAME_PICTURE = 0.94
"""At least so well a homography maps a frame onto another where both show one flat picture.

Of copies of 60 photographs of LFW (stored again, shifted, cut, turned, reduced, brightened, tilted) 95 % of
each kind reached 0.944; no two photographs of one of 60 people reached 0.921. Frames of a man who hardly
moves are the same too: in a video, 29 of 29 series of 4 frames in a row; of 22 series of 5 frames, 6 frames
apart, none."""
WORST = 0.1
"""With a frame less live than this, the frames disagree."""
_CLOSEST = 1e-6
"""To 0 and 1."""


@dataclass(frozen=True, slots=True)
class PassiveLiveness:
    """Of all judged frames. Frames of one burst are alike: their log-odds are averaged, never added."""

    live: float
    """Probability, by the mean of the log-odds."""
    worst: float
    """Probability of the worst frame."""


def combine(live: Sequence[float]) -> PassiveLiveness:
    """`live`: each frame's probability, at least one."""
    odds = [_log_odds(each) for each in live]
    return PassiveLiveness(live=1 / (1 + math.exp(-sum(odds) / len(odds))), worst=min(live))


def _log_odds(probability: float) -> float:
    bounded = float(np.clip(probability, _CLOSEST, 1 - _CLOSEST))
    return math.log(bounded / (1 - bounded))


def count_distinct(faces: Sequence[Image]) -> int:
    """Of aligned faces, each of shape (side, side, 3): how many are no view of one that came before. Those
    without contrast do not count: nothing shows that they differ."""
    distinct: list[Image] = []
    for face in filter(has_contrast, faces):
        if all(planar_correlation(other, face) < SAME_PICTURE for other in distinct):
            distinct.append(face)
    return len(distinct)
