"""`gemel person photographs`: which photographs of a folder show whom."""

import csv
import hashlib
import io
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from indexer.cli.commands import Gallery, Json, csv_file
from indexer.cli.database import open_index_store
from indexer.cli.output import console, escape_text, out, print_result, quantity, write_atomically
from indexer.settings import Settings

LISTED = 20
"""Most people that the terminal shows. JSON and CSV have all."""
NAMED = 3
"""Photographs of a person that the table names."""


def photographs(
    directory: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A folder, with its subfolders.")
    ],
    gallery: Gallery,
    report: Annotated[
        Path | None,
        csv_file("Write a line for each person of each photograph to it: name, external_id, id, file."),
    ] = None,
    json: Json = None,
) -> None:
    """List the photographs of a folder by the people whose enrolled faces are in them.

    A photograph is found by its content, whatever its name is now. No network is needed.

    Example: `gemel person photographs holidays/ --gallery family --report people.csv`
    """
    from indexer.pipeline import people_folder
    from indexer.records import galleries
    from indexer.records.enrolled.owners import people_of_images

    images, _ = people_folder.photographs(directory)
    digests = {path.relative_to(directory).as_posix(): _sha256(path) for path in images}
    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        found = galleries.get(session, gallery)
        shown = people_of_images(session, found.id, set(digests.values()))
    people: dict[Any, dict[str, Any]] = {}
    without: list[str] = []
    for file, digest in digests.items():
        for owner in shown.get(digest, ()):
            one = people.setdefault(
                owner.identity_id,
                {
                    "id": owner.identity_id,
                    "name": owner.name,
                    "external_id": owner.external_id,
                    "anonymous": owner.anonymous,
                    "files": [],
                },
            )
            one["files"].append(file)
        if digest not in shown:
            without.append(file)
    rows = sorted(people.values(), key=lambda one: (one["anonymous"], -len(one["files"]), str(one["id"])))
    if report is not None:
        write_atomically(report, _csv(rows))
        console.print(f"Wrote {escape_text(report)}.", highlight=False, soft_wrap=True)
    print_result(
        {"people": rows, "without": without}, json, lambda: _print(directory, rows, without, len(digests))
    )


def _sha256(path: Path) -> bytes:
    """Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["name", "external_id", "id", "file"])
    for row in rows:
        for file in row["files"]:
            writer.writerow([row["name"] or "", row["external_id"] or "", row["id"], file])
    return text.getvalue()


def _print(directory: Path, rows: list[dict[str, Any]], without: list[str], images: int) -> None:
    if not images:
        out.print(f"There is no photograph in {escape_text(directory)}.", highlight=False, soft_wrap=True)
        return
    named = sum(not row["anonymous"] for row in rows)
    out.print(
        f"{quantity(images, 'photograph')}: {quantity(named, 'person', 'people')} with a name,"
        f" {len(rows) - named:,} without; {quantity(len(without), 'photograph')} of nobody in the gallery.",
        highlight=False,
        soft_wrap=True,
    )
    if not rows:
        return
    table = Table(
        Column("Person", overflow="fold"),
        Column("Photographs", justify="right"),
        Column("Files", overflow="fold"),
    )
    for row in rows[:LISTED]:
        files = ", ".join(escape_text(file) for file in row["files"][:NAMED])
        more = len(row["files"]) - NAMED
        table.add_row(
            escape_text(row["name"] or row["external_id"] or f"({row['id']})"),
            f"{len(row['files']):,}",
            files + (f", and {more:,} more" if more > 0 else ""),
        )
    out.print(table)
    if len(rows) > LISTED:
        more_people = f"... and {len(rows) - LISTED:,} more; `--report FILE.csv` and `--json` list all"
        out.print(more_people, highlight=False)
