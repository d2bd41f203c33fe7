"""`gemel reindex status`, `watch`, `compare`: where jobs are, and how the models do."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.database import open_index_store
from indexer.cli.output import STDOUT, console, print_result, write_json
from indexer.cli.reindex import monitor as following
from indexer.cli.reindex import tables
from indexer.cli.reindex.selection import Of, compared_job, described, gates_of, open_jobs
from indexer.settings import Settings


def status(
    gallery: Annotated[
        str | None, typer.Option("--gallery", "-g", help="Only its own, with a history; by default all.")
    ] = None,
    json: Json = None,
) -> None:
    """All jobs, the newest first; with --gallery its own, and what happened to the last one.

    Example: `gemel reindex status --gallery staff`
    """
    from indexer.records import galleries, reindexes

    with open_index_store(Settings()) as index_store:
        with index_store.database.reading() as session:
            found = galleries.get(session, gallery) if gallery else None
            jobs = reindexes.newest_first(session, found.id if found else None)
        rows = [described(index_store, job) for job in jobs]

    def show() -> None:
        tables.print_jobs(rows)
        if gallery is not None and rows:
            tables.print_history(rows[0])

    print_result(tables.as_json(rows), json, show)


def watch(
    gallery: Annotated[
        str | None, typer.Option("--gallery", "-g", help="Whose job; by default all open ones.")
    ] = None,
    json: Json = None,
) -> None:
    """Follow jobs until they wait for somebody or are over; status 1 where one has stopped.

    JSON is a line at each change.

    Example: `gemel reindex watch --gallery staff`
    """
    with open_index_store(Settings()) as index_store:
        jobs = open_jobs(index_store, gallery)
        following.follow(index_store, jobs, json=json)
        rows = [described(index_store, job) for job in jobs]
        gates = gates_of(index_store, rows)
    if json != STDOUT:
        tables.print_jobs(rows)
        tables.print_next(rows, gates)
    if any(row.problem for row in rows):
        raise SystemExit(1)


def compare(
    gallery: Of = None,
    output: Annotated[Path | None, typer.Option("-o", help="Write all of it there, as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures and faces there.")] = None,
    json: Json = None,
) -> None:
    """How the two models do on the gallery itself, and what the gates say.

    Example: `gemel reindex compare --gallery staff --html comparison.html`
    """
    from indexer.reindex import status as status_of
    from indexer.reindex.comparison import page

    with open_index_store(Settings()) as index_store:
        job = compared_job(index_store, gallery)
        found = status_of.comparison(index_store.database, job.row.id)
        if html is not None:
            html.write_text(page.render(index_store.database, job, found), "utf-8")
    if output is not None:
        write_json(found, output)
    print_result(found, json, lambda: tables.print_comparison(job.gallery.name, found))
    for written in (output, html):
        if written is not None:
            console.print(f"Written: {written}", highlight=False, markup=False, soft_wrap=True)
