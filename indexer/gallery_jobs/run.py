"""One job, from its first step to its end, by the worker that holds it.

A worker that is killed leaves what it has written. The next one begins again: it finds that there, and does
the rest.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from indexer.calibration.resolver import CalibrationResolver
from indexer.callers import Caller, current_caller
from indexer.duplicates.sharded_pairs import Shards
from indexer.errors import Busy, EmbeddingsMissing, InvalidRequest, Misconfigured, NotEnoughRoom
from indexer.records import galleries
from indexer.records.database.session import Database, Session
from indexer.records.gallery_jobs import jobs, leases
from indexer.records.tables import Gallery, GalleryJob
from indexer.replica.store import IndexStore

PATIENCE_SECONDS = 600.0
"""How long a job waits for its gallery's lock, which others hold or take before it."""
PAUSE_SECONDS = 1.0
"""Between two tries."""

log = logging.getLogger(__name__)

_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class Run(ABC):
    index_store: IndexStore
    calibrations: CalibrationResolver
    worker: str
    job: GalleryJob
    shards: Shards | None = None
    """Of the Ray cluster that the process uses."""
    figures: dict[str, Any] = field(default_factory=dict)
    observe: Callable[[Mapping[str, Any]], object] = lambda _: None
    """Called with the figures whenever they are written."""
    closing: threading.Event = field(default_factory=threading.Event)
    """Set when the worker's process stops: it ends a wait."""

    @property
    def database(self) -> Database:
        return self.index_store.database

    def run(self) -> GalleryJob:
        """The job, ended. Raises LeaseLost where it was cancelled or another worker has it; GalleryNotFound,
        DatabaseUnavailable; IndexNotReady where shards do not answer for long."""
        job = self.job
        caller = (
            Caller(name=job.undone_by or job.caller_name, key_id=job.undone_by_key_id)
            if job.undo
            else Caller(name=job.caller_name, key_id=job.caller_key_id)
        )
        context = copy_context()
        context.run(current_caller.set, caller)
        return context.run(self._run)

    def _run(self) -> GalleryJob:
        problem = None
        result = None
        try:
            result = self.work()
        # In this order: a threshold out of range; no such model here, or no GEMEL_CLUSTER; faces without an
        # embedding; too little memory; a gallery that others lock for too long.
        except (InvalidRequest, Misconfigured, EmbeddingsMissing, NotEnoughRoom, Busy) as error:
            log.warning("%s %s has failed: %s", self.job.kind, self.job.id, error)
            problem = error.message
        with self.database.transaction() as session:
            return jobs.done(session, self.job.id, self.worker, problem=problem, result=result)

    @abstractmethod
    def work(self) -> Any:
        """The result to keep, as JSON, if there is one."""

    def gallery(self) -> Gallery | None:
        with self.database.reading() as session:
            return galleries.by_ids(session, [self.job.gallery_id]).get(self.job.gallery_id)

    def note(self, step: str | None = None, *, threshold: float | None = None, **figures: Any) -> None:
        """Raises LeaseLost."""
        self.figures |= figures
        with self.database.transaction() as session:
            leases.progress(
                session,
                self.job.id,
                self.worker,
                step=step,
                figures=self.figures,
                threshold=threshold,
            )
        self.observe(self.figures)

    def write(self, step: str, work: Callable[[Session], Mapping[str, int]]) -> None:
        """One transaction under the gallery's lock. `work` returns by how much each figure grows.

        Raises LeaseLost, then nothing of it is written; and what `work` raises.
        """

        def once() -> dict[str, Any]:
            with self.database.transaction(long=True) as session:
                grown = work(session)
                figures = self.figures | {
                    name: self.figures.get(name, 0) + more for name, more in grown.items()
                }
                leases.progress(session, self.job.id, self.worker, figures=figures)
            return figures

        self.figures = self._patiently(step, once)
        self.observe(self.figures)

    def _patiently(self, step: str, work: Callable[[], _T]) -> _T:
        """Tries again as long as others hold the gallery's lock, for ten minutes. Raises Busy, LeaseLost."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        waited = False
        while True:
            try:
                done = work()
            except Busy:
                if time.monotonic() >= deadline:
                    raise
                self.note(f"{step}: waiting for others who change the gallery")
                waited = True
                self.closing.wait(PAUSE_SECONDS)
            else:
                if waited:
                    self.note(step)
                return done
