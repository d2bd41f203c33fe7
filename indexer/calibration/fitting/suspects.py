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


def find(found: Impostors, likely: float) -> NDArray[np.bool_]:
    """Shape (k,): whether each listed comparison is suspected.

    `likely`: a suspected pair has at least this score, which half of all genuine pairs reach.
    """
    order = np.argsort(-found.z, kind="stable")
    # Suspected pairs hardly affect this tail: its slope is fitted where up to a thousand comparisons lie
    # above.
    whole = tail.fit(
        found.z[order],
        np.ones(len(order)),
        found.comparisons,
        found.bulk,
        distinct=found.distinct,
        continuation="normal",
    )
    expected = found.distinct * np.exp(whole.log_share_above(found.z))
    return np.asarray((found.scores >= likely) & (expected <= EXPECTED))
