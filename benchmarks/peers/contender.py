"""What is compared: anything that enrols people and identifies photographs."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.peers.processes import cpu_seconds, resident_bytes
from benchmarks.peers.task import Portrait

CLIENTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    names: list[str | None]
    """Of each photograph: the most similar person, or None if no face was found."""
    seconds: float
    cpu_seconds: float
    """Of all processes that answered, without the clients'."""
    resident_bytes: int
    """Of the same processes; memory that they share counts once."""


class Contender(Protocol):
    def enrol(self, people: Sequence[Portrait]) -> float:
        """Enrols what can be enrolled, as fast as the contender can; returns seconds."""

    def identify(self, paths: Sequence[str], clients: int) -> Answers:
        """Identifies the largest face of each photograph for one client or for CLIENTS."""

    @property
    def enrolled(self) -> int:
        """Number of people who were enrolled."""

    @property
    def facts(self) -> dict[str, Any]:
        """Further fields of the row: `version`, and how it serves several clients (`way`)."""


def timed(identify: Callable[[], list[str | None]], processes: Iterable[int]) -> Answers:
    """`processes`: those that answer; their descendants count too."""
    roots = list(processes)
    cpu, start = cpu_seconds(roots), time.perf_counter()
    names = identify()
    return Answers(
        names=names,
        seconds=time.perf_counter() - start,
        cpu_seconds=cpu_seconds(roots) - cpu,
        resident_bytes=resident_bytes(roots),
    )
