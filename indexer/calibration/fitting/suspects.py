"""Finds people who seem to be in a gallery under two names.

A wrong label looks like a perfect lookalike, and the far tail consists of a handful of them. Suspected pairs
are left out of the tail, and are counted and reported so that an operator can check them. A pair is suspected
only if both rules below say so, which leaves real lookalikes in.
"""

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.fitting import tail
from indexer.calibration.fitting.impostors import Impostors

EXPECTED = 0.05
"""A pair is suspected only if at most this many impostor pairs are expected to reach its z."""


def find(impostors: Impostors, likely: float) -> NDArray[np.bool_]:
    """Shape (k,): whether each listed comparison is suspected.

    `likely`: a suspected pair has at least this score, which half of all genuine pairs reach.
    """
    order = np.argsort(-impostors.z, kind="stable")
    # Suspected pairs hardly affect this tail: its slope is fitted where up to a thousand comparisons lie
    # above.
    whole = tail.fit(
        impostors.z[order],
        np.ones(len(order)),
        impostors.comparisons,
        impostors.bulk,
        distinct=impostors.distinct,
        continuation="normal",
    )
    expected = impostors.distinct * np.exp(whole.log_share_above(impostors.z))
    return np.asarray((impostors.scores >= likely) & (expected <= EXPECTED))
