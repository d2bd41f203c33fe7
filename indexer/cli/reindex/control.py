"""`gemel reindex pause`, `resume`, `activate`, `rollback`, `cancel`, `cleanup`: the operator's hand."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.database import open_index_store
from indexer.cli.output import console, print_result
from indexer.cli.reindex import monitor as following
from indexer.cli.reindex import tables
from indexer.cli.reindex.selection import Of, described, job_to
from indexer.errors import GatesNotPassed, ReplicasNotReady
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.records.reindexes import Job
    from indexer.reindex.status import Status
    from indexer.replica.store import IndexStore

Force = Annotated[str | None, typer.Option(help="Why, over gates and processes; it is recorded.")]


def pause(gallery: Of = None, json: Json = None) -> None:
    """Workers leave the job alone. Searches and enrolments go on.

    Example: `gemel reindex pause --gallery staff`
    """
    from indexer.records import reindexes
    from indexer.reindex import control

    def runs(job: "Job") -> bool:
        return job.row.state in reindexes.LIVE and not _stopped(job)

    with open_index_store(Settings()) as index_store:
        job = job_to("pause", index_store, gallery, runs)
        row = described(index_store, control.pause(index_store.database, job.row.id))
    _answer(row, json, "paused at {state}; `gemel reindex resume -g {gallery}` goes on")


def resume(gallery: Of = None, json: Json = None) -> None:
    """Workers go on, also after a problem.

    Example: `gemel reindex resume --gallery staff`
    """
    from indexer.reindex import control

    with open_index_store(Settings()) as index_store:
        job = job_to("resume", index_store, gallery, _stopped)
        row = described(index_store, control.resume(index_store.database, job.row.id))
    _answer(row, json, "resumed at {state}; `gemel worker` works on it")


def activate(gallery: Of = None, force: Force = None, json: Json = None) -> None:
    """Search with the new model from now on. Refused where gates are not passed.

    Example: `gemel reindex activate --gallery staff`
    """
    from indexer.reindex import switch

    with open_index_store(Settings()) as index_store:
        ready = job_to("activate", index_store, gallery, lambda job: job.row.state == "ready")
        try:
            job = switch.activate(index_store.database, ready.row.id, force=force)
        except (GatesNotPassed, ReplicasNotReady):
            console.print(f"Refused; {tables.OVERRIDE}.", highlight=False)
            raise
        row = described(index_store, job)
    _answer(
        row,
        json,
        "searched with {to_model} from now on;"
        " `gemel reindex rollback -g {gallery}` goes back, `cleanup` gives the old model up",
    )


def rollback(gallery: Of = None, force: Force = None, json: Json = None) -> None:
    """Search with the old model again; nothing that was enrolled since is lost.

    Example: `gemel reindex rollback --gallery staff`
    """
    from indexer.reindex import switch

    with open_index_store(Settings()) as index_store:
        active = job_to("roll back", index_store, gallery, lambda job: job.row.state == "active")
        job = switch.rollback(index_store.database, active.row.id, force=force)
        row = described(index_store, job)
    _answer(
        row,
        json,
        "searched with {from_model} again;"
        " `gemel reindex activate -g {gallery}` goes forth, `cancel` gives the new model up",
    )


def cancel(gallery: Of = None, json: Json = None) -> None:
    """Give the new model up and delete what it made.

    Example: `gemel reindex cancel --gallery staff`
    """
    from indexer.records import reindexes
    from indexer.reindex import control

    def not_switched(job: "Job") -> bool:
        return job.row.state in reindexes.LIVE and job.row.state != "active"

    with open_index_store(Settings()) as index_store:
        job = job_to("cancel", index_store, gallery, not_switched)
        row = _ended(index_store, job, control.cancel)
    _answer(row, json, "cancelled; nothing of {to_model} is left")


def cleanup(gallery: Of = None, json: Json = None) -> None:
    """Give the old model up and delete what it made: there is no way back.

    Example: `gemel reindex cleanup --gallery staff`
    """
    from indexer.reindex import control

    with open_index_store(Settings()) as index_store:
        job = job_to("clean up", index_store, gallery, lambda job: job.row.state == "active")
        row = _ended(index_store, job, control.cleanup)
    _answer(row, json, "done; nothing of {from_model} is left")


def _stopped(job: "Job") -> bool:
    return job.row.paused or job.row.problem is not None


def _ended(index_store: "IndexStore", job: "Job", end: "Callable[..., Job]") -> "Status":
    from indexer.usecases.bootstrap import open_pipeline_factory

    job = end(index_store.database, job.row.id)
    with open_pipeline_factory(Settings()) as factory:
        following.work(index_store, factory, [job])
    return described(index_store, job)


def _answer(row: "Status", json: Path | None, said: str) -> None:
    """Status 1 where the job has stopped."""

    def show() -> None:
        tables.print_jobs([row]) if row.problem else tables.say(said, row)

    print_result(tables.as_json([row])[0], json, show)
    if row.problem:
        raise SystemExit(1)
