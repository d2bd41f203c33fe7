"""What `gemel enrol` says of every file: as a table, JSON or CSV."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from indexer.cli.enrol.attributes import attributes_of, print_counts
from indexer.cli.output import console, escape_text, name_options, out, quantity

if TYPE_CHECKING:
    from indexer.usecases.folder_outcome import FileOutcome, FolderOutcome

LISTED = 20
"""Most files or people that the terminal shows. JSON and the report have all."""
HINTS = {
    "several_faces": "`--several-faces subject` enrols the largest if it is clearly the subject",
    "invalid_request": "rename the person's folder",
    "duplicate_identity": "`--allow-duplicates` enrols them nevertheless",
}
"""By error code: what to do next, in terms of commands."""


def as_json(result: "FolderOutcome") -> dict[str, Any]:
    from indexer.usecases.folder_outcome import Outcome

    def listed(outcome: Outcome) -> list[dict[str, Any]]:
        return [
            {"image": str(file.path), "person": file.person, "code": file.code, "message": file.message}
            for file in result.with_outcome(outcome)
        ]

    return {
        "gallery_created": result.gallery_created,
        "interrupted": result.interrupted,
        "files": len(result.files),
        "identities_created": result.identities_created,
        "faces_enrolled": result.count(Outcome.ENROLLED) if result.faces is None else result.faces,
        "images_known": result.count(Outcome.KNOWN),
        "not_reached": result.count(Outcome.NOT_REACHED),
        "reasons": dict(result.reasons(Outcome.REJECTED, Outcome.FAILED, Outcome.SKIPPED).most_common()),
        "rejected": listed(Outcome.REJECTED),
        "failed": listed(Outcome.FAILED),
        "skipped": listed(Outcome.SKIPPED),
        "without_face": result.without_face,
        "odd_faces": result.odd_faces,
        "duplicates": [
            {"person": person, "candidates": [candidate.as_json() for candidate in candidates]}
            for person, candidates in result.duplicates.items()
        ],
        "attributes": attributes_of(result),
    }


def as_csv(result: "FolderOutcome") -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["file", "person", "outcome", "code", "message"])
    for file in sorted(result.files, key=lambda file: file.path):
        writer.writerow(
            [file.path, file.person or "", file.outcome, file.code or "", name_options(file.message or "")]
        )
    return text.getvalue()


def print_outcome(result: "FolderOutcome", gallery: str, report: Path | None, unlabelled: bool) -> None:
    from indexer.usecases.folder_outcome import Outcome

    if result.interrupted:
        left = quantity(result.count(Outcome.NOT_REACHED), "image")
        console.print(f"[yellow]Interrupted[/] with {left} left. Run the command again to continue.")
    created = " (created)" if result.gallery_created else ""
    people = quantity(result.identities_created, "new person", "new people")
    faces = quantity(result.count(Outcome.ENROLLED), "new face")
    if unlabelled:
        people = quantity(result.identities_created, "new unnamed face")
        faces = f"from {quantity(result.count(Outcome.ENROLLED), 'picture')}"
    counts = ", ".join(
        [
            f"{quantity(result.count(Outcome.KNOWN), 'image')} enrolled before",
            f"{result.count(Outcome.REJECTED):,} rejected",
            f"{result.count(Outcome.SKIPPED):,} skipped",
            f"{result.count(Outcome.FAILED):,} failed",
        ]
    )
    out.print(
        f"{escape_text(gallery)}{created}: {people}{' ' if unlabelled else ', '}{faces}; {counts}.",
        soft_wrap=True,
    )
    for title, outcome in (
        ("Rejected", Outcome.REJECTED),
        ("Skipped", Outcome.SKIPPED),
        ("Failed", Outcome.FAILED),
    ):
        _print_files(title, result.with_outcome(outcome))
    if result.without_face:
        count = len(result.without_face)
        out.print(f"\nPeople without a face in the gallery: {count:,}")
        for person in result.without_face[:LISTED]:
            out.print(f"  {escape_text(person)}", highlight=False, soft_wrap=True)
        _print_more(len(result.without_face))
    if result.odd_faces:
        out.print(
            f"\n{quantity(result.odd_faces, 'face')} unlike the other faces of the person, perhaps"
            f" mislabelled: `gemel gallery check {escape_text(gallery)}` lists them.",
            highlight=False,
            soft_wrap=True,
        )
    _print_duplicates(result)
    print_counts(result)
    if report is not None:
        written = f"Wrote the outcome of every file to {escape_text(report)}."
        console.print(written, highlight=False, soft_wrap=True)


def _print_duplicates(result: "FolderOutcome") -> None:
    if not result.duplicates:
        return
    out.print(f"\nPeople who look like somebody enrolled: {len(result.duplicates):,}")
    table = Table(Column("Person", overflow="fold"), Column("Looks like", overflow="fold"), Column("Score"))
    for person, candidates in list(result.duplicates.items())[:LISTED]:
        best = candidates[0]
        table.add_row(
            escape_text(person), escape_text(best.external_id or best.identity_id), f"{best.score:.3f}"
        )
    out.print(table)
    _print_more(len(result.duplicates))


def _print_files(title: str, files: "list[FileOutcome]") -> None:
    """Print the number of files for each reason, and the first few files."""
    if not files:
        return
    by_code: dict[str, list[FileOutcome]] = {}
    for file in files:
        by_code.setdefault(file.code or "", []).append(file)
    out.print()
    for code, of_code in sorted(by_code.items(), key=lambda item: -len(item[1])):
        hint = f" ({HINTS[code]})" if code in HINTS else ""
        out.print(f"{title}: {len(of_code):,} {code}{hint}", highlight=False, soft_wrap=True)
    table = Table(Column(title, overflow="fold"), Column("Reason", overflow="fold"))
    for file in files[:LISTED]:
        table.add_row(escape_text(file.path), escape_text(name_options(file.message or file.code or "")))
    out.print(table)
    _print_more(len(files))


def _print_more(count: int) -> None:
    if count > LISTED:
        more = f"... and {count - LISTED:,} more; `--report FILE.csv` and `--json` list all"
        out.print(more, highlight=False)
