"""`gemel imports list|show|cancel`."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.table import Column, Table

from indexer.cli.commands import Commands, Gallery, Json
from indexer.cli.database import open_index_store
from indexer.cli.output import console, escape_text, out, print_result, quantity
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.imports.status import Status
    from indexer.records.tables import ImportFile

LISTED = 20
"""The most files that the terminal shows. JSON lists up to a thousand."""
_MOST = 1000

app = Commands("List, show and cancel imports, which a client or the console has started.")

Id = Annotated[UUID, typer.Argument(metavar="ID", help="The import's id.")]


@app.command("list")
def list_page(
    gallery: Gallery,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of imports to list.")] = 20,
    json: Json = None,
) -> None:
    """List the imports of a gallery, the newest first.

    Example: `gemel imports list --gallery staff`
    """
    from indexer.imports import status

    with open_index_store(Settings()) as index_store:
        found = status.newest_first(index_store.database, gallery, at_most=limit)

    def show_table() -> None:
        if not found:
            console.print(f"There are no imports into {escape_text(gallery)}.")
            return
        table = Table(Column("Import", no_wrap=True), "Name", "State", Column("Result", overflow="fold"))
        for one in found:
            table.add_row(str(one.job.id), escape_text(one.job.name or ""), one.job.state, one.summary)
        out.print(table)

    print_result({"imports": [_as_json(one) for one in found]}, json, show_table)


@app.command()
def show(id: Id, gallery: Gallery, json: Json = None) -> None:
    """Show the progress of an import, and the files that it did not enrol.

    Example: `gemel imports show 019c8f2e-5f0e-7d3a-b1c4-2f4d6a8b0c1e --gallery staff`
    """
    from indexer.imports import status
    from indexer.records.imports import files

    with open_index_store(Settings()) as index_store:
        found = status.of(index_store.database, gallery, id)
        with index_store.database.reading() as session:
            left = [
                file
                for state in ("rejected", "failed", "skipped")
                for file, _ in files.page(session, id, limit=_MOST, state=state)
            ]
    listed = [_file_as_json(file) for file in left]
    print_result(_as_json(found) | {"not_enrolled": listed}, json, lambda: _print(found, left))


@app.command()
def cancel(id: Id, gallery: Gallery, json: Json = None) -> None:
    """Cancel an import: waiting files are deleted. Enrolled people stay enrolled.

    Example: `gemel imports cancel 019c8f2e-5f0e-7d3a-b1c4-2f4d6a8b0c1e --gallery staff`
    """
    from indexer.imports import status
    from indexer.records import galleries
    from indexer.records.imports import states

    with open_index_store(Settings()) as index_store:
        with index_store.database.transaction(long=True) as session:
            states.cancel(session, galleries.get(session, gallery), id)
        found = status.of(index_store.database, gallery, id)
    print_result(_as_json(found), json, lambda: _print(found, []))


def _as_json(found: "Status") -> dict[str, Any]:
    job, progress = found.job, found.progress
    return {
        "id": str(job.id),
        "name": job.name,
        "state": job.state,
        "problem": job.problem,
        "waits_for": found.waits_for,
        "created_by": job.caller_name,
        "created_at": job.created_at,
        "files": progress.files,
        "counts": progress.counts,
        "reasons": progress.reasons,
        "people": progress.people,
        "people_enrolled": progress.people_enrolled,
        "summary": found.summary,
    }


def _file_as_json(file: "ImportFile") -> dict[str, Any]:
    return {"name": file.name, "state": file.state, "code": file.code, "message": file.message}


def _print(found: "Status", left: "list[ImportFile]") -> None:
    out.print(f"{found.job.state}: {found.summary}", highlight=False, soft_wrap=True)
    if found.job.problem:
        out.print(f"The path could not be read completely: {escape_text(found.job.problem)}", soft_wrap=True)
    if not left:
        return
    table = Table(Column("File", overflow="fold"), "State", Column("Reason", overflow="fold"))
    for file in left[:LISTED]:
        table.add_row(escape_text(file.name), file.state, escape_text(file.message or file.code or ""))
    out.print(table)
    if len(left) > LISTED:
        out.print(
            f"... and {quantity(len(left) - LISTED, 'file')} more; `--json` lists them", highlight=False
        )
