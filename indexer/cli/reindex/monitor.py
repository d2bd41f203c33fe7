"""Watches re-index jobs until they wait for an operator or end: as a bar, as lines, or as lines of JSON."""

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
class JobProgress:
    job: "Job"
    progress: "Progress"

    @property
    def state(self) -> str:
        row = self.job.row
        return "stopped" if row.problem else "paused" if row.paused else row.state

    def __str__(self) -> str:
        progress = self.progress
        parts = [self.state, f"{progress.done}/{progress.total} faces"]
        if self.state == "embedding":
            parts += [] if progress.rate is None else [f"{progress.rate:.0f} faces/s"]
            parts += [] if progress.seconds_left is None else [f"{duration(progress.seconds_left)} left"]
            parts.append(workers(progress.workers))
        return f"{self.job.gallery.name}: {', '.join(parts)}"

    def as_json(self) -> dict[str, Any]:
        row, progress = self.job.row, self.progress
        return {
            "id": row.id,
            "gallery": self.job.gallery.name,
            "to_model": self.job.to_model,
            "state": row.state,
            "paused": row.paused,
            "problem": row.problem,
            "faces": progress.total,
            "done": progress.done,
            "faces_per_second": progress.rate,
            "seconds_left": progress.seconds_left,
            "workers": progress.workers,
        }


def workers(count: int) -> str:
    return "no worker" if count == 0 else "1 worker" if count == 1 else f"{count} workers"


def watch_jobs(index_store: "IndexStore", jobs: "Sequence[Job]", *, json: Path | None = None) -> None:
    """Shows a bar on a terminal, else a line for each change.

    `json`: instead writes a line of JSON for each change there.
    """
    if json == STDOUT:
        _poll(index_store, jobs, lambda job: typer.echo(json_line(job.as_json())))
    elif json is not None:
        with json.open("w", encoding="utf-8", buffering=1) as file:
            _poll(index_store, jobs, lambda job: print(json_line(job.as_json()), file=file))
    elif console.is_terminal:
        with progress_bar() as bars:
            tasks = {job.row.id: bars.add_task(job.gallery.name, total=None) for job in jobs}
            _poll(index_store, jobs, lambda job: _draw(bars, tasks, job))
    else:
        _poll(index_store, jobs, _Lines().show)


def work_and_watch(
    index_store: "IndexStore",
    factory: "PipelineFactory",
    jobs: "Sequence[Job]",
    *,
    least_sharded_faces: int | None,
) -> None:
    """Runs a worker for these jobs in this process. If it is interrupted, other workers may continue.

    `least_sharded_faces`: as in the settings.
    """
    from indexer.reindex import status
    from indexer.reindex.worker import Worker

    ids = [job.row.id for job in jobs]
    worker = Worker(index_store, factory, only=ids, least_sharded_faces=least_sharded_faces)
    watcher = threading.Thread(target=watch_jobs, args=(index_store, jobs), name="watch", daemon=True)
    try:
        watcher.start()
        worker.run(until=lambda: all(status.waits_or_ended(one.job) for one in _read(index_store, ids)))
    except KeyboardInterrupt:
        console.print(
            "Interrupted. The job stays: `gemel worker` continues it, `gemel reindex cancel` ends it."
        )
        raise
    watcher.join()


def _poll(index_store: "IndexStore", jobs: "Sequence[Job]", show: Callable[[JobProgress], None]) -> None:
    """Calls `show` with each job at once, and again whenever it has changed."""
    from indexer.errors import Unavailable
    from indexer.reindex import status

    watched = [job.row.id for job in jobs]
    last_shown: dict[UUID, dict[str, Any]] = {}
    while watched:
        try:
            current = _read(index_store, watched)
        except Unavailable:  # PostgreSQL is restarting, which the jobs survive
            time.sleep(_POLL_SECONDS)
            continue
        for job in current:
            values = job.as_json() | {"faces_per_second": None, "seconds_left": None}
            if last_shown.get(job.job.row.id) != values:
                last_shown[job.job.row.id] = values
                show(job)
        watched = [job.job.row.id for job in current if not status.waits_or_ended(job.job)]
        if watched:
            time.sleep(_POLL_SECONDS)


def _read(index_store: "IndexStore", ids: Collection[UUID]) -> list[JobProgress]:
    """Without jobs whose gallery was deleted."""
    from indexer.errors import ReindexNotFound
    from indexer.records import reindexes

    jobs = []
    with index_store.database.reading() as session:
        for job_id in ids:
            with suppress(ReindexNotFound):
                progress = reindexes.progress_of(session, job_id)
                jobs.append(JobProgress(reindexes.get(session, job_id), progress))
    return jobs


def _draw(bars: Bars, tasks: dict[UUID, TaskID], job: JobProgress) -> None:
    rate = "" if job.progress.rate is None else f", {job.progress.rate:.0f} faces/s"
    bars.update(
        tasks[job.job.row.id],
        description=f"{job.job.gallery.name}: {job.state}{rate if job.state == 'embedding' else ''}",
        total=job.progress.total,
        completed=job.progress.done,
    )


class _Lines:
    """Prints a line when a job's state changes, and now and then while it does not."""

    def __init__(self) -> None:
        self._last: dict[UUID, tuple[str, float]] = {}

    def show(self, job: JobProgress) -> None:
        state, at = self._last.get(job.job.row.id, ("", 0.0))
        if job.state == state and time.monotonic() < at + LINE_SECONDS:
            return
        self._last[job.job.row.id] = (job.state, time.monotonic())
        console.print(str(job), highlight=False, markup=False, soft_wrap=True)
