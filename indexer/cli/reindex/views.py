"""`gemel reindex status`, `watch` and `compare`."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.database import open_index_store
from indexer.cli.output import STDOUT, console, print_result, write_json
from indexer.cli.reindex import monitor, tables
from indexer.cli.reindex.selection import JobGallery, compared_job, open_jobs, status_of, verdicts_of
from indexer.settings import Settings


def status(
    gallery: Annotated[
        str | None,
        typer.Option("--gallery", "-g", help="Only this gallery's jobs, and the history of the last one."),
    ] = None,
    json: Json = None,
) -> None:
    """List jobs, the newest first.

    Example: `gemel reindex status --gallery staff`
    """
    from indexer.records import galleries, reindexes

    with open_index_store(Settings()) as index_store:
        with index_store.database.reading() as session:
            gallery_id = galleries.get(session, gallery).id if gallery else None
            jobs = reindexes.newest_first(session, gallery_id)
        rows = [status_of(index_store, job) for job in jobs]

    def show() -> None:
        tables.print_jobs(rows)
        if gallery is not None and rows:
            tables.print_history(rows[0])

    print_result(tables.as_json(rows), json, show)


def watch(
    gallery: Annotated[
        str | None, typer.Option("--gallery", "-g", help="Only this gallery's job; by default all open jobs.")
    ] = None,
    json: Json = None,
) -> None:
    """Watch jobs until they wait for an operator or end. Exits with status 1 if one has stopped.

    JSON is a line for each change.

    Example: `gemel reindex watch --gallery staff`
    """
    with open_index_store(Settings()) as index_store:
        jobs = open_jobs(index_store, gallery)
        monitor.watch_jobs(index_store, jobs, json=json)
        rows = [status_of(index_store, job) for job in jobs]
        verdicts = verdicts_of(index_store, rows)
    if json != STDOUT:
        tables.print_jobs(rows)
        tables.print_next_steps(rows, verdicts)
    if any(row.problem for row in rows):
        raise SystemExit(1)


def compare(
    gallery: JobGallery = None,
    output: Annotated[Path | None, typer.Option("-o", help="Write everything there, as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots and faces there.")] = None,
    json: Json = None,
) -> None:
    """Compare the two models on the gallery's own faces, and show the acceptance criteria.

    Example: `gemel reindex compare --gallery staff --html comparison.html`
    """
    from indexer.reindex import status as reindex_status
    from indexer.reindex.comparison import page

    with open_index_store(Settings()) as index_store:
        job = compared_job(index_store, gallery)
        comparison = reindex_status.comparison(index_store.database, job.row.id)
        if html is not None:
            html.write_text(page.render(index_store.database, job, comparison), "utf-8")
    if output is not None:
        write_json(comparison, output)
    print_result(comparison, json, lambda: tables.print_comparison(job.gallery.name, comparison))
    for written in (output, html):
        if written is not None:
            console.print(f"Written: {written}", highlight=False, markup=False, soft_wrap=True)
