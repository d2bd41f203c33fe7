"""The limits of a key, as values."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil


class Policy(StrEnum):
    """What is limited. The names are those of the quota policies in the header `RateLimit`."""

    REQUESTS = "requests"
    FACES = "faces"
    CONCURRENCY = "concurrency"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """None: no limit."""

    requests_per_second: float | None = None
    faces_per_second: float | None = None
    max_concurrent: int | None = None


NO_LIMITS = KeyLimits()


def capacity(rate: float) -> float:
    """Of a token bucket: what may come at once after a pause. A second's worth, and at least one."""
    return max(1.0, rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What is left of one limit, as far as this process knows."""

    policy: Policy
    available: int
    window_seconds: int
    """Until the bucket is full; where nothing is available, until the next token is there."""

    @classmethod
    def of(cls, policy: Policy, level: float, rate: float) -> "Quota":
        missing = (1.0 if level < 1 else capacity(rate)) - level
        return cls(policy=policy, available=max(0, int(level)), window_seconds=max(1, ceil(missing / rate)))
