"""What the recognisability of a face means: the share of such faces that a search misses."""

import numpy as np

MISS_RATES = (
    *((0.02, 0.96), (0.07, 0.92), (0.12, 0.89), (0.18, 0.84), (0.23, 0.82), (0.28, 0.66), (0.33, 0.60)),
    *((0.38, 0.57), (0.43, 0.45), (0.48, 0.34), (0.52, 0.25), (0.54, 0.20), (0.56, 0.10), (0.575, 0.064)),
    *((0.586, 0.049), (0.596, 0.031), (0.603, 0.021), (0.607, 0.010), (0.612, 0.006)),
)
"""Recognisability and share of misses of the model `sface+reid0095`, at an FPIR of 1 % among the 1,680 people
of LFW: 7,484 photographs, and 3,145 degraded ones (`benchmarks/quality/`). With `sface` the rates
are about a fifth higher."""


def expected_miss_rate(recognisability: float) -> float:
    """Linear between the points of the table, constant beyond its ends."""
    known, rates = zip(*MISS_RATES, strict=True)
    return float(np.interp(recognisability, known, rates))
