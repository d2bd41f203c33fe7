"""Joins the anonymous identities of a gallery, and prints the groups."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from indexer.cli.database import open_index_store
from indexer.cli.output import console, escape_text, out, print_result, quantity
from indexer.cli.progress import progress_bar
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.records.tables import GalleryJob

LISTED = 20
"""Most groups that the terminal shows. JSON has all."""
INTERRUPTED = 130
"""Exit status of an interrupted command: 128 + SIGINT."""


def run(
    gallery: str,
    threshold: float | None,
    *,
    join_groups: bool,
    join_named: bool,
    dry_run: bool,
    json: Path | None,
) -> None:
    """Raises GalleryNotFound, ClusteringExists, LeaseLost (somebody cancelled it), DatabaseUnavailable."""
    from indexer.calibration.resolver import CalibrationResolver
    from indexer.gallery_jobs.worker import JobWorker
    from indexer.records import galleries
    from indexer.records.gallery_jobs import jobs
    from indexer.records.gallery_jobs.kinds import CLUSTERING

    settings = Settings()
    with open_index_store(settings) as index_store, progress_bar("faces") as bar:
        database = index_store.database
        resolver = CalibrationResolver(database, index_store.models, settings.identify_fpir)
        worker = JobWorker(index_store, resolver)
        with database.transaction() as session:
            job = jobs.create(
                session,
                galleries.get(session, gallery),
                CLUSTERING,
                {
                    "threshold": threshold,
                    "join_groups": join_groups,
                    "join_named": join_named,
                    "dry_run": dry_run,
                },
                worker=worker.name,
            )
        task = bar.add_task("Comparing", total=None)
        try:
            worker.run_here(
                job,
                lambda figures: bar.update(
                    task, completed=figures.get("compared", 0), total=figures.get("faces")
                ),
            )
        except KeyboardInterrupt:
            with database.transaction() as session:
                jobs.cancel(session, galleries.get(session, gallery), CLUSTERING, job.id)
            console.print("[yellow]Cancelled.[/] What was joined stays joined.")
            raise SystemExit(INTERRUPTED) from None
        with database.reading() as session:
            found = galleries.get(session, gallery)
            job = jobs.get(session, found.id, CLUSTERING, job.id, with_result=True)
    groups = jobs.result_of(job) if job.result is not None else None
    result = _as_json(job, gallery) | (groups or {})
    print_result(result, json, lambda: _print(job, gallery, groups))
    if job.problem is not None:
        raise SystemExit(1)


def _as_json(job: "GalleryJob", gallery: str) -> dict[str, Any]:
    return {
        "id": job.id,
        "gallery": gallery,
        "state": job.state,
        "problem": job.problem,
        "threshold": job.used_threshold,
        "dry_run": job.options["dry_run"],
    } | {"figures": job.figures}


def _print(job: "GalleryJob", gallery: str, groups: dict[str, Any] | None) -> None:
    if job.problem is not None:
        console.print(f"The clustering has failed: {escape_text(job.problem)}", soft_wrap=True)
        return
    figures = job.figures
    out.print(
        f"{escape_text(gallery)}: {quantity(figures.get('faces', 0), 'unnamed face')},"
        f" {quantity(figures.get('groups', 0), 'group')} with"
        f" {quantity(figures.get('grouped', 0), 'face')}.",
        highlight=False,
        soft_wrap=True,
    )
    if groups is not None:
        table = Table("Group", Column("Faces", justify="right"))
        for group in groups["groups"][:LISTED]:
            table.add_row(group["id"], f"{len(group['faces']):,}")
        if groups["groups"]:
            out.print(table)
        out.print("Nothing was changed: this was a dry run.")
        return
    out.print(
        f"{quantity(figures.get('joined', 0), 'identity', 'identities')} joined another,"
        f" {figures.get('named', 0):,} joined somebody with a name;"
        f" {quantity(figures.get('reviews', 0), 'new review')}.",
        highlight=False,
        soft_wrap=True,
    )
    if figures.get("groups"):
        listing = f"gemel person list --gallery {gallery} --anonymous --order faces"
        out.print(f"The groups: {escape_text(listing)}", highlight=False, soft_wrap=True)
    if figures.get("joined") or figures.get("named"):
        undo = f"gemel cluster --gallery {gallery} --undo {job.id}"
        out.print(f"To undo it: {escape_text(undo)}", highlight=False, soft_wrap=True)
