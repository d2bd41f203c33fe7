"""A library that embeds faces, with a scan of all embeddings in NumPy: what people write themselves.

A library has no server. Several clients share its networks as threads or as processes; a short trial says
which is the fastest.
"""

import math
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.peers.contender import CLIENTS, Answers, timed
from benchmarks.peers.task import Portrait

Embed = Callable[[str], Any]
"""The embedding of a photograph's largest face, shape (dimension,), or None if no face is found."""

TRIAL = 96
"""Number of photographs by which the ways of serving several clients are compared."""
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    version: str
    load: Callable[[], Embed]
    """Called once in each thread; picklable."""
    nearest: Callable[[Any, Any], int]
    """The place of the most similar embedding: of all, shape (n, dimension), and of one."""
    thread_safe: bool
    """Whether several threads may embed at once."""


class InProcess:
    """A contender. One client has a process of its own."""

    def __init__(self, library: Library, trial: Sequence[str]) -> None:
        """`trial`: photographs to try the ways with."""
        self._library = library
        self._names: list[str] = []
        self._gallery: Any = None
        self._ways = {
            "1 process" if count == 1 else f"{count} processes": _processes(library, trial[0], count)
            for count in sorted({1, CLIENTS, os.cpu_count() or CLIENTS})
        }
        if library.thread_safe:
            self._ways[f"{CLIENTS} threads"] = _threads(library, trial[0])
        self._seconds = {way: self._try(way, trial) for way in self._ways}
        self._way = min(self._seconds, key=self._seconds.__getitem__)

    def enrol(self, people: Sequence[Portrait]) -> float:
        with self._ways[self._way]() as pool:
            start = time.perf_counter()
            embeddings = list(pool.map(_embed, [portrait.path for portrait in people]))
            found = [place for place, embedding in enumerate(embeddings) if embedding is not None]
            self._names = [people[place].name for place in found]
            self._gallery = np.array([embeddings[place] for place in found])
            return time.perf_counter() - start

    def identify(self, paths: Sequence[str], clients: int) -> Answers:
        way = self._ways["1 process" if clients == 1 else self._way]
        with way() as pool:
            workers = [child.pid for child in multiprocessing.active_children() if child.pid]
            return timed(
                lambda: [self._name(embedding) for embedding in pool.map(_embed, paths)],
                workers or [os.getpid()],
            )

    @property
    def enrolled(self) -> int:
        return len(self._names)

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "version": self._library.version,
            "way": self._way,
            "trial_s": {
                way: round(seconds, 3) if math.isfinite(seconds) else None
                for way, seconds in self._seconds.items()
            },
        }

    def _name(self, embedding: Any) -> str | None:
        if embedding is None:
            return None
        return self._names[self._library.nearest(self._gallery, embedding)]

    def _try(self, way: str, paths: Sequence[str]) -> float:
        """Seconds; infinite if the processes do not last, for want of memory."""
        try:
            with self._ways[way]() as pool:
                start = time.perf_counter()
                list(pool.map(_embed, paths[:TRIAL]))
                return time.perf_counter() - start
        except BrokenExecutor:
            return math.inf


class _OfThread(threading.local):
    """What a thread has loaded: most networks serve one thread at a time."""

    embed: Embed | None = None
    loaded: Any = None
    """The barrier at which the threads or processes of a pool wait until all have embedded a first face."""


_own = _OfThread()


def _load(library: Library, loaded: Any = None) -> None:
    _own.embed = library.load()
    _own.loaded = loaded


def _embed(path: str) -> Any:
    assert _own.embed is not None
    return _own.embed(path)


def _arrive(path: str) -> None:
    _embed(path)
    _own.loaded.wait(PATIENCE_SECONDS)


def _threads(library: Library, first: str) -> Callable[[], Any]:
    @contextmanager
    def pool() -> Iterator[Executor]:
        barrier = threading.Barrier(CLIENTS)
        with ThreadPoolExecutor(CLIENTS, initializer=_load, initargs=(library, barrier)) as executor:
            list(executor.map(_arrive, [first] * CLIENTS))
            yield executor

    return pool


def _processes(library: Library, first: str, count: int) -> Callable[[], Any]:
    @contextmanager
    def pool() -> Iterator[Executor]:
        context = multiprocessing.get_context("spawn")  # networks do not survive a fork
        barrier = context.Barrier(count)
        with ProcessPoolExecutor(
            count, mp_context=context, initializer=_load, initargs=(library, barrier)
        ) as executor:
            list(executor.map(_arrive, [first] * count))
            yield executor

    return pool
