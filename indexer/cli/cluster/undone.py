"""Undoes a clustering of a gallery, and prints what has stayed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import typer

from indexer.cli.database import open_index_store
from indexer.cli.output import console, escape_text, out, print_result, quantity
from indexer.cli.progress import progress_bar
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.records.database.session import Session
    from indexer.records.tables import Gallery, GalleryJob

LAST = "last"
INTERRUPTED = 130
"""Exit status of an interrupted command: 128 + SIGINT."""
_REASONS = {
    "kept_named": "somebody has named the identity",
    "kept_merged": "the identity is a part of another, or another was merged into it",
    "kept_split": "somebody has split or moved its faces",
    "kept_deleted": "the faces were deleted",
}


def run(gallery: str, which: str, json: Path | None) -> None:
    """`which`: the clustering's id, or `last`. Raises typer.BadParameter, GalleryNotFound,
    ClusteringNotFound, ClusteringState, ClusteringExists, LeaseLost (somebody cancelled it),
    DatabaseUnavailable."""
    from indexer.calibration.resolver import CalibrationResolver
    from indexer.gallery_jobs.worker import JobWorker
    from indexer.records import galleries
    from indexer.records.gallery_jobs import jobs
    from indexer.records.gallery_jobs.kinds import CLUSTERING

    settings = Settings()
    with open_index_store(settings) as index_store, progress_bar("joins") as bar:
        database = index_store.database
        resolver = CalibrationResolver(database, index_store.models, settings.identify_fpir)
        worker = JobWorker(index_store, resolver)
        with database.transaction() as session:
            found = galleries.get(session, gallery)
            job = jobs.begin_undo(session, found, _id_of(session, found, which), worker=worker.name)
        begun = job.worker == worker.name
        if begun:
            joined = job.figures.get("joined", 0) + job.figures.get("named", 0)
            task = bar.add_task("Undoing", total=joined)
            try:
                worker.run_here(job, lambda figures: bar.update(task, completed=_seen(figures)))
            except KeyboardInterrupt:
                with database.transaction() as session:
                    jobs.cancel(session, galleries.get(session, gallery), CLUSTERING, job.id)
                console.print("[yellow]Cancelled.[/] Run the command again to undo the rest.")
                raise SystemExit(INTERRUPTED) from None
        with database.reading() as session:
            job = jobs.get(session, galleries.get(session, gallery).id, CLUSTERING, job.id)
    print_result(_as_json(job, gallery), json, lambda: _print(job, gallery, begun=begun))
    if job.problem is not None:
        raise SystemExit(1)


def _id_of(session: "Session", gallery: "Gallery", which: str) -> UUID:
    from indexer.errors import ClusteringNotFound
    from indexer.records.gallery_jobs import jobs

    if which == LAST:
        newest = jobs.newest_that_joined(session, gallery.id)
        if newest is None:
            raise ClusteringNotFound(f"no clustering has joined anybody in gallery {gallery.name}")
        return newest
    try:
        return UUID(which)
    except ValueError:
        raise typer.BadParameter("--undo needs the id of a clustering, or last.") from None


def _seen(figures: Any) -> int:
    return int(sum(figures.get(name, 0) for name in ("undone", *_REASONS)))


def _as_json(job: "GalleryJob", gallery: str) -> dict[str, Any]:
    counts = {name: job.figures.get(name, 0) for name in ("undone", *_REASONS)}
    return {"id": job.id, "gallery": gallery, "state": job.state, "problem": job.problem} | counts


def _print(job: "GalleryJob", gallery: str, *, begun: bool) -> None:
    if job.problem is not None:
        console.print(f"The undo has failed: {escape_text(job.problem)}", soft_wrap=True)
        return
    if job.state != "undone":
        console.print(f"Another process is undoing it: {escape_text(job.state)}.", soft_wrap=True)
        return
    if not begun:
        out.print(
            f"{escape_text(gallery)}: clustering {job.id} was undone before; nothing was changed.",
            highlight=False,
            soft_wrap=True,
        )
        return
    undone = quantity(job.figures.get("undone", 0), "identity is", "identities are")
    out.print(
        f"{escape_text(gallery)}: {undone} separate again.",
        highlight=False,
        soft_wrap=True,
    )
    for name, reason in _REASONS.items():
        if job.figures.get(name):
            out.print(
                f"{quantity(job.figures[name], 'identity', 'identities')} stayed joined: {reason}.",
                highlight=False,
                soft_wrap=True,
            )
