"""Work of a process that limits a key, for tests with several of them."""

import time
from uuid import UUID

from indexer.access.key_limits.limiter import Admission, KeyLimiter
from indexer.access.key_limits.limits import KeyLimits
from indexer.errors import RateLimited
from indexer.records.database.session import Database


def admit(limiter: KeyLimiter, key_id: UUID, limits: KeyLimits) -> Admission:
    """As the service does. Raises RateLimited."""
    admission = limiter.begin(key_id, limits)
    if not admission.complete:
        limiter.complete(admission)
    return admission


def count_admitted(limiter: KeyLimiter, key_id: UUID, limits: KeyLimits, seconds: float) -> int:
    """Of requests that are sent one after the other, as fast as possible, for so long."""
    admitted = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            limiter.finish(admit(limiter, key_id, limits))
        except RateLimited:
            continue
        admitted += 1
    return admitted


def count_admitted_in_process(url: str, key_id: UUID, limits: KeyLimits, seconds: float) -> tuple[float, int]:
    """In a process of its own. Returns its start, by the clock of the machine, and the count."""
    database = Database(url)
    limiter = KeyLimiter(database)
    start = time.monotonic()  # of the machine: comparable between its processes
    try:
        return start, count_admitted(limiter, key_id, limits, seconds)
    finally:
        limiter.close()
        database.close()
