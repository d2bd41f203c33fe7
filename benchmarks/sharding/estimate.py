"""What is to be expected on machines that share no cores, worked out from parts that were measured.

On one computer all shards scan on the same cores, so that a search in shards can only be slower there than in
one process. Two parts can be measured there, and they add up on other machines:

- the scan: milliseconds of one core for a face. A search has one core, for FAISS divides the work by probes:
  other cores answer other searches at the same time, and make no single one faster;
- the rest of a search in shards, from a gallery so small that nothing is left of the scan: the time that a
  call of the fewest shards takes, and for each further shard what the searching process itself needs to call
  it, in processor time. What the other processes do meanwhile happens on machines of their own. A network
  between machines adds its round trip.
"""

from dataclasses import dataclass
from itertools import pairwise

NETWORK_MS = 0.2
"""A round trip between two machines of one data centre. Assumed, not measured."""
USABLE = 0.7
"""Share of a machine's memory for indexes. The rest is for the system, Ray, and a rebuild beside them."""
PROCESS_BYTES = 600_000_000
"""Of a node of Ray and of each shard's own process, without vectors: assumed, above what was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was measured, for one tier."""

    scan_ms_per_million: float
    """Of one core."""
    overhead_ms: dict[int, float]
    """By the number of shards."""
    index_bytes: float
    """A face."""
    postgresql_bytes: float
    """A face, with its tables' indexes, without crops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Machines for a gallery."""

    faces: int
    shards: int
    copies: int
    machines: int
    cores: int
    """Of each machine."""
    memory_gb: float
    """Of each machine, that its shards need."""
    search_ms: float
    searches_per_second: float
    """Of all machines together, if every core scans all the time: an upper bound."""
    postgresql_gb: float


def alone_ms(parts: Parts, faces: float) -> float:
    """Of a search in one process."""
    return parts.scan_ms_per_million * faces / 1e6


def sharded_ms(parts: Parts, faces: float, shards: int) -> float:
    """Of a search in shards, each on a machine of its own."""
    return alone_ms(parts, faces / shards) + overhead_ms(parts, shards) + NETWORK_MS


def overhead_ms(parts: Parts, shards: int) -> float:
    """Measured, or beyond the measured numbers along their last slope."""
    known = sorted(parts.overhead_ms)
    if shards in parts.overhead_ms:
        return parts.overhead_ms[shards]
    if len(known) == 1:
        return parts.overhead_ms[known[0]]
    low, high = (known[0], known[1]) if shards < known[0] else (known[-2], known[-1])
    for one, other in pairwise(known):
        if one < shards < other:
            low, high = one, other
    slope = (parts.overhead_ms[high] - parts.overhead_ms[low]) / (high - low)
    return max(0.0, parts.overhead_ms[low] + slope * (shards - low))


def crossover_faces(parts: Parts, shards: int) -> float:
    """The gallery's size at which a search in shards takes as long as in one process. From

    scan · n = scan · n / shards + overhead
    """
    overhead = overhead_ms(parts, shards) + NETWORK_MS
    return overhead / (parts.scan_ms_per_million * (1 - 1 / shards)) * 1e6


def layout(parts: Parts, faces: int, *, shards: int, copies: int, cores: int) -> Layout:
    """With one copy of one shard on each machine."""
    machines = shards * copies
    share = faces / shards * parts.index_bytes
    scan_seconds = parts.scan_ms_per_million * faces / 1e9
    return Layout(
        faces=faces,
        shards=shards,
        copies=copies,
        machines=machines,
        cores=cores,
        memory_gb=(share + PROCESS_BYTES) / USABLE / 1e9,
        search_ms=sharded_ms(parts, faces, shards),
        searches_per_second=machines * cores / scan_seconds,
        postgresql_gb=faces * parts.postgresql_bytes / 1e9,
    )
