"""The upper tail of impostor z: the share of comparisons that reach a z.

The share is counted where at least thirty comparisons lie above z, and extrapolated beyond. Impostor scores
are sums over many components and nearly normal. So the extrapolation is a straight line in normal deviates,
with the slope of the last counted decades. The alternative is an exponential tail, which falls more slowly
than every measured one; it shows how much depends on the shape.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

COUNTED = 30
"""Comparisons above a z that make its share reliable: within 30 % with 90 % confidence (the rule of 30,
Doddington et al. 2000)."""
_DECADES = 1.5
"""Of the counted shares, over which the slope is fitted."""
_STEPS = 60
_FARTHEST = 9.0
"""In deviates: a share of 1e-19."""

Continuation = Literal["normal", "exponential"]
Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tail:
    """A table, interpolated linearly in the logarithm of the share."""

    z: Column
    """Ascending."""
    log_share: Column
    """Natural logarithm of the share of comparisons that reach `z`; descending."""
    counted: float
    """Lower shares are extrapolated."""

    def log_share_above(self, z: Column) -> Column:
        return np.interp(z, self.z, self.log_share)


def fit(
    z: Column,
    weights: Column,
    comparisons: float,
    bulk: Column,
    *,
    distinct: float,
    continuation: Continuation = "normal",
) -> Tail:
    """`z`, shape (k,): all the highest, descending, with `weights`, out of `comparisons` comparisons. `bulk`:
    a sample of all, ascending. `distinct`: the number of different pairs of people."""
    above = np.cumsum(weights) / comparisons
    counted = min(COUNTED / distinct, above[-1] / 4)
    listed = np.exp(np.linspace(math.log(above[-1]), math.log(counted), _STEPS))
    high = np.interp(listed, above, z)
    shares = np.concatenate([np.linspace(0.999, listed[0], 100, endpoint=False), listed])
    knots = np.concatenate([np.quantile(bulk, 1 - shares[:100]), high])
    knots = np.maximum.accumulate(knots + np.arange(len(knots)) * 1e-9)
    last = listed <= counted * 10**_DECADES
    if continuation == "normal":
        deviates = _deviates(listed[last])
        slope = np.polyfit(deviates, high[last], 1)[0]
        further = np.linspace(deviates[-1], _FARTHEST, _STEPS)[1:]
        beyond, log_beyond = knots[-1] + slope * (further - deviates[-1]), _log_above(further)
    else:
        slope = -np.polyfit(np.log(listed[last]), high[last], 1)[0]
        log_beyond = np.linspace(math.log(counted), -45.0, _STEPS)[1:]
        beyond = knots[-1] + slope * (math.log(counted) - log_beyond)
    return Tail(
        z=np.concatenate([knots, beyond]),
        log_share=np.concatenate([np.log(shares), log_beyond]),
        counted=counted,
    )


def _deviates(shares: Column) -> Column:
    return np.array([-NormalDist().inv_cdf(share) for share in shares])


def _log_above(deviates: Column) -> Column:
    """Of the upper tail of a normal distribution."""
    return np.array([math.log(0.5 * math.erfc(d / math.sqrt(2))) for d in deviates])
