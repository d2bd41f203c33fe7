"""Who seems to be in a gallery twice: two names whose faces are as alike as one person's.

A wrong label looks like a stranger who resembles somebody very much, and a handful of them is all that the
far tail consists of. They are left out of it, but never in silence: they are counted and named, so that an
operator can look. Left out is only what both rules speak for, so that real lookalikes stay.
"""

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.fitting import tail
from indexer.calibration.fitting.impostors import Impostors

EXPECTED = 0.05
"""Pairs of strangers that would reach such a z among all that were compared, at most."""


def find(found: Impostors, likely: float) -> NDArray[np.bool_]:
    """Shape (k,): which of the listed comparisons.

    `likely`: the score that half of the pairs of one person's faces reach.
    """
    order = np.argsort(-found.z, kind="stable")
    # What is looked for cannot bend the tail: it is taken from where a thousand comparisons are above.
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
