"""Selects the job that a command is about."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

if TYPE_CHECKING:
    from indexer.records.reindexes import Job
    from indexer.reindex.status import Status
    from indexer.replica.store import IndexStore

JobGallery = Annotated[
    str | None,
    typer.Option("--gallery", "-g", help="The job's gallery; by default the only one that fits."),
]


def open_jobs(index_store: "IndexStore", gallery: str | None) -> "Sequence[Job]":
    """Of the gallery, or of all. Raises ReindexNotFound, GalleryNotFound."""
    from indexer.errors import ReindexNotFound
    from indexer.records import galleries, reindexes

    with index_store.database.reading() as session:
        gallery_id = galleries.get(session, gallery).id if gallery else None
        jobs = [job for job in reindexes.open_jobs(session) if gallery_id in (None, job.gallery.id)]
    if not jobs:
        raise ReindexNotFound("no re-index job is open" + (f" in {gallery!r}" if gallery else ""))
    return jobs


def compared_job(index_store: "IndexStore", gallery: str | None) -> "Job":
    """The open job, or the gallery's last one. Raises ReindexNotFound, InvalidRequest, GalleryNotFound."""
    from indexer.errors import InvalidRequest, ReindexNotFound
    from indexer.records import galleries, reindexes

    try:
        jobs = open_jobs(index_store, gallery)
    except ReindexNotFound:
        if gallery is None:
            raise
        with index_store.database.reading() as session:
            ended = reindexes.newest_first(session, galleries.get(session, gallery).id, at_most=1)
        if not ended:
            raise
        return ended[0]
    if len(jobs) > 1:
        names = ", ".join(job.gallery.name for job in jobs)
        raise InvalidRequest(f"several jobs are open, of {names}: choose one with --gallery", field="gallery")
    return jobs[0]


def select_job(
    verb: str, index_store: "IndexStore", gallery: str | None, fits: "Callable[[Job], bool]"
) -> "Job":
    """The job for a command such as "activate".

    With a gallery it is that gallery's open job. Without, it is the only one that the command fits. A job
    that was rolled back is never chosen without its gallery: the operator must name it. Raises
    ReindexNotFound, InvalidRequest.
    """
    from indexer.errors import InvalidRequest
    from indexer.records import reindexes

    jobs = open_jobs(index_store, gallery)
    if gallery is not None:
        return jobs[0]
    with index_store.database.reading() as session:
        rolled_back = {job.row.id for job in jobs if reindexes.rolled_back(session, job)}
    fitting = [job for job in jobs if fits(job) and job.row.id not in rolled_back]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(
        f"{job.gallery.name} ({_state(job, job.row.id in rolled_back)})" for job in fitting or jobs
    )
    problem = f"{len(fitting)} jobs fit" if fitting else f"no job to {verb} can be chosen"
    raise InvalidRequest(f"{problem}: {listed}; choose one with --gallery", field="gallery")


def _state(job: "Job", rolled_back: bool) -> str:
    row = job.row
    stopped = "stopped at " if row.problem else "paused at " if row.paused else ""
    return f"{stopped}{row.state}{', rolled back' if rolled_back else ''}"


def status_of(index_store: "IndexStore", job: "Job") -> "Status":
    from indexer.reindex import status

    return status.of(index_store.database, job.row.id)


def verdicts_of(index_store: "IndexStore", jobs: "Sequence[Status]") -> dict[UUID, list[dict[str, Any]]]:
    """The verdicts on the acceptance criteria, by job, of the jobs that are ready."""
    from indexer.reindex import status

    ready = [job.id for job in jobs if job.state == "ready"]
    return {job_id: status.comparison(index_store.database, job_id)["gates"] for job_id in ready}
