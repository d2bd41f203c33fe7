"""A contender: an index that has been built and can be searched; and the cost of building it."""

import ctypes
import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer.types import Vectors

CORES = os.cpu_count() or 1

Search = Callable[[Vectors], Any]
"""The K nearest of each probe (n, dimension), in whatever form the contender gives them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contender:
    name: str
    search: Search
    """Timed with one probe."""
    places: Callable[[Any], Sequence[int]]
    """Takes the first place in the gallery from the result of `search` or `batch`; not timed."""
    batch: Search | None = None
    """Timed with 64 probes; None for `search`. Servers get them from several clients at once."""
    threads: int | None = None
    """Threads of OpenMP, for raw FAISS; None means one per core."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Further fields of the row: the tier, `build_s`, `bytes_per_face`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An index, and the cost of building it."""

    made: Any
    seconds: float
    grown_bytes: int

    def facts(self, n: int) -> dict[str, Any]:
        return {"build_s": round(self.seconds, 3), "bytes_per_face": round(self.grown_bytes / n, 1)}


def build(make: Callable[[], Any]) -> Built:
    """Measures how much the memory of this process grows."""
    before = _settled_bytes()
    start = time.perf_counter()
    made = make()
    seconds = time.perf_counter() - start
    return Built(made=made, seconds=seconds, grown_bytes=_settled_bytes() - before)


def resident_bytes(process: int | str = "self") -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _settled_bytes() -> int:
    """The resident size of this process after it has returned freed memory to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return resident_bytes()
