"""From the probability of a person to a decision."""

LIVE, ATTACK = "live", "attack"
THRESHOLD = 0.5
"""A face is live if its probability of a person is at least this."""
