"""Looking on at re-index jobs until they wait for somebody: a bar, readable lines, or JSON."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import typer
from rich.progress import Progress as Bars
from rich.progress import TaskID

from indexer.cli.output import STDOUT, console, json_line
from indexer.cli.progress import LINE_SECONDS, duration, progress_bar

if TYPE_CHECKING:
    from indexer.pipeline.pipelines import PipelineFactory
    from indexer.records.reindexes import Job, Progress
    from indexer.replica.store import IndexStore

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """A job, as it is now."""

    job: "Job"
    progress: "Progress"

    @property
    def doing(self) -> str:
        row = self.job.row
        return "stopped" if row.problem else "paused" if row.paused else row.state

    @property
    def sentence(self) -> str:
        done = self.progress
        parts = [self.doing, f"{done.done}/{done.total} faces"]
        if self.doing == "embedding":
            parts += [] if done.rate is None else [f"{done.rate:.0f} faces/s"]
            parts += [] if done.seconds_left is None else [f"{duration(done.seconds_left)} left"]
            parts.append(f"{done.workers} at work" if done.workers else "nobody at work")
        return f"{self.job.gallery.name}: {', '.join(parts)}"

    def as_json(self) -> dict[str, Any]:
        row, done = self.job.row, self.progress
        return {
            "id": row.id,
            "gallery": self.job.gallery.name,
            "to_model": self.job.to_model,
            "state": row.state,
            "paused": row.paused,
            "problem": row.problem,
            "faces": done.total,
            "done": done.done,
            "faces_per_second": done.rate,
            "seconds_left": done.seconds_left,
            "workers": done.workers,
        }


def follow(index_store: "IndexStore", jobs: "Sequence[Job]", *, json: Path | None = None) -> None:
    """Until all wait for somebody or are over. A bar on a terminal, else a line where something is new.

    `json`: lines of JSON there instead, one a change.
    """
    if json == STDOUT:
        _look_on(index_store, jobs, lambda seen: typer.echo(json_line(seen.as_json())))
    elif json is not None:
        with json.open("w", encoding="utf-8", buffering=1) as file:
            _look_on(index_store, jobs, lambda seen: print(json_line(seen.as_json()), file=file))
    elif console.is_terminal:
        with progress_bar() as bars:
            tasks = {job.row.id: bars.add_task(job.gallery.name, total=None) for job in jobs}
            _look_on(index_store, jobs, lambda seen: _draw(bars, tasks, seen))
    else:
        _look_on(index_store, jobs, _Lines().tell)


def work(index_store: "IndexStore", factory: "PipelineFactory", jobs: "Sequence[Job]") -> None:
    """On these jobs alone, in this process, while it is followed. Interrupted, it leaves them to others."""
    from indexer.reindex import status
    from indexer.reindex.worker import Worker

    ids = [job.row.id for job in jobs]
    working = Worker(index_store, factory, only=ids)
    looker = threading.Thread(target=follow, args=(index_store, jobs), name="progress", daemon=True)
    try:
        looker.start()
        working.run(until=lambda: all(status.waits_or_ended(seen.job) for seen in _seen(index_store, ids)))
    except KeyboardInterrupt:
        console.print(
            "Interrupted. The job stays: `gemel worker` goes on with it, `gemel reindex cancel` ends it."
        )
        raise
    looker.join()


def _look_on(index_store: "IndexStore", jobs: "Sequence[Job]", tell: Callable[[Seen], None]) -> None:
    """`tell` hears of each job at once, and again whenever something about it has changed."""
    from indexer.errors import Unavailable
    from indexer.reindex import status

    waiting = [job.row.id for job in jobs]
    told: dict[UUID, dict[str, Any]] = {}
    while waiting:
        try:
            there = _seen(index_store, waiting)
        except Unavailable:  # PostgreSQL is restarted: the job outlives that, and who looks on does too
            time.sleep(_POLL_SECONDS)
            continue
        for seen in there:
            now = seen.as_json() | {"faces_per_second": None, "seconds_left": None}
            if told.get(seen.job.row.id) != now:
                told[seen.job.row.id] = now
                tell(seen)
        waiting = [seen.job.row.id for seen in there if not status.waits_or_ended(seen.job)]
        if waiting:
            time.sleep(_POLL_SECONDS)


def _seen(index_store: "IndexStore", ids: Collection[UUID]) -> list[Seen]:
    """Those that there are: a gallery that is deleted takes its job along."""
    from indexer.errors import ReindexNotFound
    from indexer.records import reindexes

    found = []
    with index_store.database.reading() as session:
        for one in ids:
            with suppress(ReindexNotFound):
                found.append(Seen(reindexes.get(session, one), reindexes.progress_of(session, one)))
    return found


def _draw(bars: Bars, tasks: dict[UUID, TaskID], seen: Seen) -> None:
    rate = "" if seen.progress.rate is None else f", {seen.progress.rate:.0f} faces/s"
    bars.update(
        tasks[seen.job.row.id],
        description=f"{seen.job.gallery.name}: {seen.doing}{rate if seen.doing == 'embedding' else ''}",
        total=seen.progress.total,
        completed=seen.progress.done,
    )


class _Lines:
    """Not one for every chunk."""

    def __init__(self) -> None:
        self._told: dict[UUID, tuple[str, float]] = {}

    def tell(self, seen: Seen) -> None:
        doing, at = self._told.get(seen.job.row.id, ("", 0.0))
        if seen.doing == doing and time.monotonic() < at + LINE_SECONDS:
            return
        self._told[seen.job.row.id] = (seen.doing, time.monotonic())
        console.print(seen.sentence, highlight=False, markup=False, soft_wrap=True)
