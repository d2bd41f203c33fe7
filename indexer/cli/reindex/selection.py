"""Which job a command is about."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

if TYPE_CHECKING:
    from indexer.records.reindexes import Job
    from indexer.reindex.status import Status
    from indexer.replica.store import IndexStore

Of = Annotated[
    str | None, typer.Option("--gallery", "-g", help="Whose job; by default the only one that fits.")
]


def open_jobs(index_store: "IndexStore", gallery: str | None) -> "Sequence[Job]":
    from indexer.errors import ReindexNotFound
    from indexer.records import galleries, reindexes

    with index_store.database.reading() as session:
        found = galleries.get(session, gallery).id if gallery else None
        jobs = [job for job in reindexes.open_jobs(session) if found in (None, job.gallery.id)]
    if not jobs:
        raise ReindexNotFound("no re-index job is open" + (f" in {gallery!r}" if gallery else ""))
    return jobs


def compared_job(index_store: "IndexStore", gallery: str | None) -> "Job":
    """The open one, or where there is none the gallery's last, which has ended."""
    from indexer.errors import ReindexNotFound
    from indexer.records import galleries, reindexes

    try:
        return the_job(index_store, gallery)
    except ReindexNotFound:
        if gallery is None:
            raise
        with index_store.database.reading() as session:
            ended = reindexes.newest_first(session, galleries.get(session, gallery).id, at_most=1)
        if not ended:
            raise
        return ended[0]


def the_job(index_store: "IndexStore", gallery: str | None) -> "Job":
    from indexer.errors import InvalidRequest

    jobs = open_jobs(index_store, gallery)
    if len(jobs) > 1:
        names = ", ".join(job.gallery.name for job in jobs)
        raise InvalidRequest(f"several jobs are open, of {names}: say which with --gallery", field="gallery")
    return jobs[0]


def job_to(
    verb: str, index_store: "IndexStore", gallery: str | None, meant_for: "Callable[[Job], bool]"
) -> "Job":
    """The job that a command is to `verb`, such as "activate".

    With a gallery it is that one's. Without, it is the only one that the command is meant for: of two, and
    of one that was rolled back, an operator has to say that they mean it. Raises ReindexNotFound,
    InvalidRequest.
    """
    from indexer.errors import InvalidRequest
    from indexer.records import reindexes

    jobs = open_jobs(index_store, gallery)
    if gallery is not None:
        return jobs[0]
    with index_store.database.reading() as session:
        back = {job.row.id for job in jobs if reindexes.rolled_back(session, job)}
    chosen = [job for job in jobs if meant_for(job) and job.row.id not in back]
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(f"{job.gallery.name} ({_said(job, job.row.id in back)})" for job in chosen or jobs)
    found = f"{len(chosen)} jobs fit" if chosen else f"no job can be chosen to {verb}"
    raise InvalidRequest(f"{found}: {listed}; say which with --gallery", field="gallery")


def _said(job: "Job", rolled_back: bool) -> str:
    row = job.row
    stopped = "stopped at " if row.problem else "paused at " if row.paused else ""
    return f"{stopped}{row.state}{', rolled back' if rolled_back else ''}"


def described(index_store: "IndexStore", job: "Job") -> "Status":
    from indexer.reindex import status as status_of

    return status_of.of(index_store.database, job.row.id)


def gates_of(index_store: "IndexStore", rows: "Sequence[Status]") -> dict[UUID, list[dict[str, Any]]]:
    """What became of them, by the id of a job that is compared and not yet switched."""
    from indexer.reindex import status

    ready = [row.id for row in rows if row.state == "ready"]
    return {one: status.comparison(index_store.database, one)["gates"] for one in ready}
