"""The states of an index in this process and the steps between them; and the errors that callers get.

    closed      nothing is open; reported as `opening`, for the first search opens it
    opening     nothing serves, and the index is loaded or built
    ready       an index serves
    rebuilding  an index serves, and its replacement is built
    failed      the last opening failed, or the index that serves cannot be caught up

Pure functions of immutable values: `gallery_index` holds the current state.
"""

from concurrent.futures import Future
from dataclasses import dataclass, replace
from uuid import UUID

from indexer.errors import GemelError, IndexNotReady
from indexer.records.replicas import State, StatusReport
from indexer.replica.rebuild_policy import retry_pause_seconds
from indexer.replica.store import StoredIndex
from indexer.types import IndexedGallery, Part


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lifecycle:
    """The state at one moment. Each step returns the next state. Times are those of the monotonic clock."""

    serving: StoredIndex | None = None
    build: "Future[None] | None" = None
    """An opening or a rebuild that runs or is queued."""
    build_error: Exception | None = None
    """Why the last build failed."""
    failures: int = 0
    """Of builds, in a row."""
    retry_at: float = 0.0
    """No build begins earlier."""
    lag_problem: str | None = None
    """Why the sync thread could not catch up the index the last time."""
    retired: bool = False
    """The gallery has left the model: a build that still runs must leave nothing on the disk."""

    @property
    def state(self) -> State:
        """As reported."""
        if self.serving is not None:
            return "failed" if self.lag_problem else "rebuilding" if self.build else "ready"
        return "failed" if self.problem and not self.build else "opening"

    @property
    def problem(self) -> str | None:
        """Why the index cannot be caught up, opened or rebuilt, or does not have the target tier."""
        if self.lag_problem is not None:
            return self.lag_problem
        if self.build_error is not None:
            return describe(self.build_error)
        return None if self.serving is None else self.serving.shortfall

    def may_build(self, now: float) -> bool:
        return self.build is None and now >= self.retry_at

    def start_build(self, build: "Future[None]") -> "Lifecycle":
        return replace(self, build=build)

    def swap_in(self, fresh: StoredIndex) -> "Lifecycle":
        return replace(self, serving=fresh, build_error=None, failures=0, retry_at=0.0, lag_problem=None)

    def fail_build(self, error: Exception, now: float) -> "Lifecycle":
        failures = self.failures + 1
        pause = retry_pause_seconds(error, failures, serving=self.serving is not None)
        return replace(self, build_error=error, failures=failures, retry_at=now + pause)

    def end_build(self) -> "Lifecycle":
        return replace(self, build=None)

    def drop(self, serving: StoredIndex) -> "Lifecycle":
        """Unless another index has replaced `serving`. The next opening may begin at once."""
        if self.serving is not serving:
            return self
        return replace(self, serving=None, lag_problem=None, retry_at=0.0)

    def set_lag_problem(self, problem: str | None) -> "Lifecycle":
        return replace(self, lag_problem=problem)

    def retire(self) -> "Lifecycle":
        return replace(self, retired=True)

    def report(self, gallery_id: UUID, model: str, part: Part | None) -> StatusReport:
        index = None if self.serving is None else self.serving.index.state()
        return StatusReport(
            gallery_id=gallery_id,
            state=self.state,
            problem=self.problem,
            model=model,
            tier=None if index is None else index.tier,
            snapshot=None if self.serving is None else self.serving.snapshot,
            applied=0 if index is None else index.position.number,
            token=None if index is None else index.position.token,
            count=0 if index is None else index.faces,
            tombstones=0 if index is None else index.tombstones,
            memory_bytes=0 if index is None else index.memory_bytes,
            digest=None if index is None else index.digest,
            shard=None if part is None else part.shard,
            shards=None if part is None else part.shards,
            block=None if part is None else part.block,
        )


def describe(error: Exception) -> str:
    return str(error) or type(error).__name__


def not_ready(gallery: IndexedGallery, state: str) -> IndexNotReady:
    """`state`: what keeps the index from answering, as the rest of a sentence."""
    return IndexNotReady(f"the index of gallery {gallery.name!r} {state}; try again", gallery=gallery.name)


def cannot_open(gallery: IndexedGallery, error: Exception) -> GemelError:
    """The error of a failed opening, for a caller. The text of an unexpected error is only in the log."""
    if isinstance(error, GemelError):
        return type(error)(error.message, **error.details)
    return IndexNotReady(
        f"the index of gallery {gallery.name!r} cannot be opened; the log says why, and it is tried again",
        gallery=gallery.name,
    )
