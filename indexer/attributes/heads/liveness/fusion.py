"""One figure out of those of the three networks: a logistic regression, fitted by `benchmarks/liveness.py`.

Minivision's two networks have one weight, as in Minivision's own code, which adds them. A picture that is cut
close to the face has weights of its own: what the third network looks for around the face is not there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    minivision: float
    """Weight of the mean of Minivision's two networks."""
    retrained: float
    intercept: float


WIDE = Fusion(minivision=0.274, retrained=0.470, intercept=-3.11)
"""For a face with what is around it: fitted on 31 faces of CelebA and 15 photographs, and attacks made from
them."""
CLOSE = Fusion(minivision=0.328, retrained=0.178, intercept=-2.60)
"""For a picture that ends near the face: fitted on 57 faces of UTKFace, and attacks made from them."""
LOWEST, HIGHEST = -12.0, (12.0, 12.0, 20.0)
"""Log-odds beyond these are cut: one network must not outweigh the others without limit."""


def fused_log_odds(odds: Sequence[float], *, close: bool) -> float:
    """`odds`: each network's log-odds of a person, in the order of `networks.KINDS`. `close`: whether the
    picture ends near the face."""
    v2, v1se, retrained = np.clip(odds, LOWEST, HIGHEST)
    fusion = CLOSE if close else WIDE
    both = (v2 + v1se) / 2
    return float(fusion.minivision * both + fusion.retrained * retrained + fusion.intercept)
