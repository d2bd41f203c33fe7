"""`gemel enrol`: a folder of photographs, every file of which is accounted for.

The engine is imported inside the command: torch takes seconds that `--help` should not.
"""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from indexer.cli.commands import Gallery, Json, check_writable
from indexer.cli.output import console, escape_text, out, print_result, write_atomically
from indexer.cli.progress import progress_bar
from indexer.settings import Settings
from indexer.types import OnSeveralFaces

if TYPE_CHECKING:
    from indexer.usecases.folder_outcome import FileOutcome, FolderOutcome

LISTED = 20
"""Files or people that the terminal shows; JSON and the report have all."""
HINTS = {
    "several_faces": "`--several-faces largest` enrols the largest one",
    "invalid_request": "rename the person's folder",
}
"""What to do, by code, in the command line's own words."""
INTERRUPTED = 130
"""The status of a command that was interrupted (128 + SIGINT)."""


def enrol(
    directory: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="One folder a person, named by it.")
    ],
    gallery: Gallery,
    several_faces: Annotated[
        OnSeveralFaces,
        typer.Option(help="A photograph of several faces: reject it, or enrol the largest face."),
    ] = OnSeveralFaces.REJECT,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            dir_okay=False,
            callback=check_writable,
            help="Write there what became of every file: file, person, outcome, code, message.",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Enrol everybody in a folder. Pictures that are enrolled already are not enrolled twice.

    The gallery is created if it does not exist, and a running server finds the new people at once. Ctrl-C
    stops within a picture or two; the next run continues there.

    Example: `gemel enrol photographs/ --gallery staff --report enrolled.csv`
    """
    from indexer.pipeline import people_folder
    from indexer.records.database import schema
    from indexer.usecases.bootstrap import open_engine
    from indexer.usecases.enrol_folder import enrol_folder
    from indexer.usecases.folder_outcome import Outcome

    settings = Settings()
    folder = people_folder.read(directory)
    with open_engine(settings) as engine, progress_bar("pictures") as bar:
        schema.prepare(settings, engine.database)
        task = bar.add_task("Enrolling", total=sum(len(person.images) for person in folder.people))
        result = enrol_folder(
            engine,
            folder,
            gallery,
            several_faces=several_faces,
            parallel=settings.threads,
            progress=lambda images: bar.advance(task, images),
        )
    if report is not None:
        write_atomically(report, _csv(result))
    print_result(_as_json(result), json, lambda: _print(result, gallery, report))
    if result.interrupted:
        raise SystemExit(INTERRUPTED)
    if result.count(Outcome.FAILED):
        raise SystemExit(1)


def _as_json(result: "FolderOutcome") -> dict[str, Any]:
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
        "faces_enrolled": result.count(Outcome.ENROLLED),
        "images_known": result.count(Outcome.KNOWN),
        "not_reached": result.count(Outcome.NOT_REACHED),
        "reasons": dict(result.reasons(Outcome.REJECTED, Outcome.FAILED, Outcome.SKIPPED).most_common()),
        "rejected": listed(Outcome.REJECTED),
        "failed": listed(Outcome.FAILED),
        "skipped": listed(Outcome.SKIPPED),
        "without_face": result.without_face,
    }


def _csv(result: "FolderOutcome") -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["file", "person", "outcome", "code", "message"])
    for file in sorted(result.files, key=lambda file: file.path):
        writer.writerow([file.path, file.person or "", file.outcome, file.code or "", file.message or ""])
    return text.getvalue()


def _print(result: "FolderOutcome", gallery: str, report: Path | None) -> None:
    from indexer.usecases.folder_outcome import Outcome

    if result.interrupted:
        left = result.count(Outcome.NOT_REACHED)
        console.print(f"[yellow]Interrupted[/] with {left} pictures left. Run it again to continue.")
    made = " (created)" if result.gallery_created else ""
    counts = ", ".join(
        [
            f"{result.identities_created} people and {result.count(Outcome.ENROLLED)} faces are new",
            f"{result.count(Outcome.KNOWN)} pictures were enrolled already",
            f"{result.count(Outcome.REJECTED)} rejected",
            f"{result.count(Outcome.SKIPPED)} files skipped",
            f"{result.count(Outcome.FAILED)} failed",
        ]
    )
    out.print(f"{escape_text(gallery)}{made}: {counts}.", soft_wrap=True)
    for title, outcome in (
        ("Rejected", Outcome.REJECTED),
        ("Skipped", Outcome.SKIPPED),
        ("Failed", Outcome.FAILED),
    ):
        _print_files(title, result.with_outcome(outcome))
    if result.without_face:
        count = len(result.without_face)
        who = "1 person is" if count == 1 else f"{count} people are"
        out.print(f"\n{who} without a face in the gallery:")
        for person in result.without_face[:LISTED]:
            out.print(f"  {escape_text(person)}", highlight=False, soft_wrap=True)
        _print_more(len(result.without_face))
    if report is not None:
        console.print(f"What became of every file: {escape_text(report)}", highlight=False, soft_wrap=True)


def _print_files(title: str, files: "list[FileOutcome]") -> None:
    """Totals by reason, and the first few files."""
    if not files:
        return
    by_code: dict[str, list[FileOutcome]] = {}
    for file in files:
        by_code.setdefault(file.code or "", []).append(file)
    out.print()
    for code, of_code in sorted(by_code.items(), key=lambda item: -len(item[1])):
        hint = f": {HINTS[code]}" if code in HINTS else ""
        out.print(f"{title}, {len(of_code)} for {code}{hint}", highlight=False, soft_wrap=True)
    table = Table(Column(title, overflow="fold"), Column("Why", overflow="fold"))
    for file in files[:LISTED]:
        table.add_row(escape_text(file.path), escape_text(file.message or file.code or ""))
    out.print(table)
    _print_more(len(files))


def _print_more(count: int) -> None:
    if count > LISTED:
        out.print(
            f"... and {count - LISTED} more; `--report FILE.csv` and `--json` list all", highlight=False
        )
