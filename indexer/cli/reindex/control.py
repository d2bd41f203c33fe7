"""`gemel reindex pause`, `resume`, `activate`, `rollback`, `cancel` and `cleanup`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.database import open_index_store
from indexer.cli.output import console, print_result
from indexer.cli.reindex import monitor, tables
from indexer.cli.reindex.selection import JobGallery, select_job, status_of
from indexer.errors import GatesNotPassed, ReplicasNotReady
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.records.reindexes import Job
    from indexer.reindex.status import Status
    from indexer.replica.store import IndexStore

Force = Annotated[
    str | None,
    typer.Option(
        metavar="REASON",
        help="Switch although a criterion is not met or a process is not ready. The reason is recorded.",
    ),
]


def pause(gallery: JobGallery = None, json: Json = None) -> None:
    """Pause a job. Searches and enrolments continue.

    Example: `gemel reindex pause --gallery staff`
    """
    from indexer.records import reindexes
    from indexer.reindex import control

    def runs(job: "Job") -> bool:
        return job.row.state in reindexes.LIVE and not _stopped(job)

    with open_index_store(Settings()) as index_store:
        job = select_job("pause", index_store, gallery, runs)
        status = status_of(index_store, control.pause(index_store.database, job.row.id))
    _answer(status, json, "paused at {state}; `gemel reindex resume -g {gallery}` resumes it")


def resume(gallery: JobGallery = None, json: Json = None) -> None:
    """Resume a job that is paused or has stopped.

    Example: `gemel reindex resume --gallery staff`
    """
    from indexer.reindex import control

    with open_index_store(Settings()) as index_store:
        job = select_job("resume", index_store, gallery, _stopped)
        status = status_of(index_store, control.resume(index_store.database, job.row.id))
    _answer(status, json, "resumed at {state}; `gemel worker` works on it")


def activate(gallery: JobGallery = None, force: Force = None, json: Json = None) -> None:
    """Switch searches to the new model. Rejected if an acceptance criterion is not met.

    Example: `gemel reindex activate --gallery staff`
    """
    from indexer.reindex import switch

    with open_index_store(Settings()) as index_store:
        ready = select_job("activate", index_store, gallery, lambda job: job.row.state == "ready")
        try:
            job = switch.activate(index_store.database, ready.row.id, force=force)
        except (GatesNotPassed, ReplicasNotReady):
            console.print(f"Rejected; {tables.OVERRIDE}.", highlight=False)
            raise
        status = status_of(index_store, job)
    _answer(
        status,
        json,
        "searches now use {to_model};"
        " `gemel reindex rollback -g {gallery}` goes back, `cleanup` deletes the old model's data",
    )


def rollback(gallery: JobGallery = None, force: Force = None, json: Json = None) -> None:
    """Switch searches back to the old model. No enrolment is lost.

    Example: `gemel reindex rollback --gallery staff`
    """
    from indexer.reindex import switch

    with open_index_store(Settings()) as index_store:
        active = select_job("roll back", index_store, gallery, lambda job: job.row.state == "active")
        status = status_of(index_store, switch.rollback(index_store.database, active.row.id, force=force))
    _answer(
        status,
        json,
        "searches use {from_model} again;"
        " `gemel reindex activate -g {gallery}` switches forward, `cancel` deletes the new model's data",
    )


def cancel(gallery: JobGallery = None, json: Json = None) -> None:
    """End a job before the switch and delete the new model's data.

    Example: `gemel reindex cancel --gallery staff`
    """
    from indexer.records import reindexes
    from indexer.reindex import control

    def not_switched(job: "Job") -> bool:
        return job.row.state in reindexes.LIVE and job.row.state != "active"

    with open_index_store(Settings()) as index_store:
        job = select_job("cancel", index_store, gallery, not_switched)
        status = _end(index_store, job, control.cancel)
    _answer(status, json, "cancelled; everything by {to_model} is deleted")


def cleanup(gallery: JobGallery = None, json: Json = None) -> None:
    """End a job after the switch and delete the old model's data. A rollback is no longer possible.

    Example: `gemel reindex cleanup --gallery staff`
    """
    from indexer.reindex import control

    with open_index_store(Settings()) as index_store:
        job = select_job("clean up", index_store, gallery, lambda job: job.row.state == "active")
        status = _end(index_store, job, control.cleanup)
    _answer(status, json, "done; everything by {from_model} is deleted")


def _stopped(job: "Job") -> bool:
    return job.row.paused or job.row.problem is not None


def _end(index_store: "IndexStore", job: "Job", command: "Callable[..., Job]") -> "Status":
    """Gives the command, and does the work in this process."""
    from indexer.usecases.bootstrap import open_pipeline_factory

    settings = Settings()
    job = command(index_store.database, job.row.id)
    with open_pipeline_factory(settings) as factory:
        monitor.work_and_watch(index_store, factory, [job], least_sharded_faces=settings.least_sharded_faces)
    return status_of(index_store, job)


def _answer(status: "Status", json: Path | None, sentence: str) -> None:
    """Exits with status 1 if the job has stopped."""

    def show() -> None:
        tables.print_jobs([status]) if status.problem else tables.print_sentence(sentence, status)

    print_result(tables.as_json([status])[0], json, show)
    if status.problem:
        raise SystemExit(1)
