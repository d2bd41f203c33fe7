"""One figure out of those of the three networks: a logistic regression."""

from collections.abc import Sequence

WEIGHTS = (0.5, 0.5, 0.0)
"""In the order of `networks.KINDS`."""
INTERCEPT = 0.0


def fused_log_odds(odds: Sequence[float]) -> float:
    """`odds`: each network's log-odds of a person."""
    return INTERCEPT + sum(weight * one for weight, one in zip(WEIGHTS, odds, strict=True))
