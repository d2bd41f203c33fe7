"""Which job a command is about."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

if TYPE_CHECKING:
    from indexer.recognition.opening import Opener
    from indexer.recognition.reindex.status import Status
    from indexer.records.reindexes import Job

Of = Annotated[str | None, typer.Option("--gallery", "-g", help="Whose job; by default the only open one.")]


def open_jobs(opener: "Opener", gallery: str | None) -> "Sequence[Job]":
    from indexer.errors import ReindexNotFound
    from indexer.records import galleries, reindexes

    with opener.database.reading() as session:
        found = galleries.get(session, gallery).id if gallery else None
        jobs = [job for job in reindexes.not_over(session) if found in (None, job.gallery.id)]
    if not jobs:
        raise ReindexNotFound("no re-index job is open" + (f" in {gallery!r}" if gallery else ""))
    return jobs


def compared_job(opener: "Opener", gallery: str | None) -> "Job":
    """The open one, or where there is none the gallery's last, which has ended."""
    from indexer.errors import ReindexNotFound
    from indexer.records import galleries, reindexes

    try:
        return the_job(opener, gallery)
    except ReindexNotFound:
        if gallery is None:
            raise
        with opener.database.reading() as session:
            ended = reindexes.all_of_them(session, galleries.get(session, gallery).id, at_most=1)
        if not ended:
            raise
        return ended[0]


def the_job(opener: "Opener", gallery: str | None) -> "Job":
    from indexer.errors import InvalidRequest

    jobs = open_jobs(opener, gallery)
    if len(jobs) > 1:
        names = ", ".join(job.gallery.name for job in jobs)
        raise InvalidRequest(f"several jobs are open, of {names}: say which with --gallery", field="gallery")
    return jobs[0]


def described(opener: "Opener", job: "Job") -> "Status":
    from indexer.recognition.reindex import status as status_of

    return status_of.of(opener.database, job.row.id)


def gates_of(opener: "Opener", rows: "Sequence[Status]") -> dict[UUID, list[dict[str, Any]]]:
    """What became of them, by the id of a job that is compared and not yet switched."""
    from indexer.recognition.reindex import status

    ready = [row.id for row in rows if row.state == "ready"]
    return {one: status.comparison(opener.database, one)["gates"] for one in ready}
