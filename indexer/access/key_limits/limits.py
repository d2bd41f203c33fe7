"""The limits of a key, as values."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from indexer.errors import InvalidRequest

MIN_RATE, MAX_RATE = 1e-4, 1e6
"""A second."""
MAX_CONCURRENT = 1000


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

    def check(self) -> None:
        """Raises InvalidRequest."""
        for field in ("requests_per_second", "faces_per_second"):
            rate = getattr(self, field)
            if rate is not None and not MIN_RATE <= rate <= MAX_RATE:
                raise InvalidRequest(
                    f"{field} is {MIN_RATE:.4f} to {MAX_RATE:.0f}; leave it out for no limit", field=field
                )
        if self.max_concurrent is not None and not 1 <= self.max_concurrent <= MAX_CONCURRENT:
            raise InvalidRequest(
                f"max_concurrent is 1 to {MAX_CONCURRENT}; leave it out for no limit", field="max_concurrent"
            )


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
