"""From the probability of a person to a decision."""

LIVE, ATTACK = "live", "attack"
THRESHOLD = 0.5
"""At least so probable is a person."""
