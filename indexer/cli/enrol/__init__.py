"""`gemel enrol`: enrol a folder of photographs, and report the outcome of every file.

The engine is imported inside the command: `--help` should not wait until its libraries are imported.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.commands import Gallery, Json, csv_file
from indexer.cli.enrol.output import as_csv, as_json, print_outcome
from indexer.cli.output import print_result, write_atomically
from indexer.cli.progress import progress_bar
from indexer.cli.recognition.options import Attributes, parse_attributes
from indexer.settings import Settings
from indexer.types import OnSeveralFaces

if TYPE_CHECKING:
    from indexer.pipeline.people_folder import PeopleFolder

INTERRUPTED = 130
"""Exit status of an interrupted command: 128 + SIGINT."""


def enrol(
    directory: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="A folder with one subfolder for each person, named after the person; with --unlabelled, any"
            " folder.",
        ),
    ],
    gallery: Gallery,
    several_faces: Annotated[
        OnSeveralFaces,
        typer.Option(
            help="Photographs with several faces: reject them, or enrol the largest face; with `subject`,"
            " if it is clearly the subject: much larger than the others, and near the middle."
        ),
    ] = OnSeveralFaces.REJECT,
    allow_duplicates: Annotated[
        bool,
        typer.Option(
            "--allow-duplicates",
            help="Enrol also people whom the gallery's duplicate check would reject; they are listed.",
        ),
    ] = False,
    unlabelled: Annotated[
        bool,
        typer.Option(
            "--unlabelled",
            help="Nobody has named the people: every face of every picture in the folder and its subfolders"
            " becomes an anonymous identity. `gemel cluster --gallery` joins those of one person.",
        ),
    ] = False,
    attributes: Attributes = "",
    report: Annotated[
        Path | None,
        csv_file("Write the outcome of every file to it: file, person, outcome, code, message."),
    ] = None,
    json: Json = None,
) -> None:
    """Enrol the people of a folder. Images that are enrolled already are skipped.

    The gallery is created if it does not exist. A running server finds the new people at once. Ctrl-C stops
    after an image or two; the same command continues where it stopped.

    Example: `gemel enrol photographs/ --gallery staff --report enrolled.csv`, or without names
    `gemel enrol holidays/ --gallery family --unlabelled`
    """
    from indexer.records.database import schema
    from indexer.usecases.bootstrap import open_engine
    from indexer.usecases.enrol_folder import enrol_folder
    from indexer.usecases.enrol_unlabelled_folder import enrol_unlabelled_folder
    from indexer.usecases.folder_outcome import Outcome

    requested = parse_attributes(attributes)
    if requested and unlabelled:
        raise typer.BadParameter("--attributes is not for --unlabelled")
    settings = Settings()
    folder = None if unlabelled else _people(directory)
    with open_engine(settings) as engine, progress_bar("images") as bar:
        schema.prepare(settings, engine.database)
        if folder is None:
            task = bar.add_task("Enrolling", total=None)

            def advance(more: int, total: int) -> None:
                bar.update(task, advance=more, total=total)

            result = enrol_unlabelled_folder(
                engine, directory, gallery, parallel=settings.threads, progress=advance
            )
        else:
            task = bar.add_task("Enrolling", total=sum(len(person.images) for person in folder.people))
            result = enrol_folder(
                engine,
                folder,
                gallery,
                several_faces=several_faces,
                allow_duplicates=allow_duplicates,
                attributes=requested,
                parallel=settings.threads,
                progress=lambda images: bar.advance(task, images),
            )
    if report is not None:
        write_atomically(report, as_csv(result))
    print_result(as_json(result), json, lambda: print_outcome(result, gallery, report, unlabelled))
    if result.interrupted:
        raise SystemExit(INTERRUPTED)
    if result.count(Outcome.FAILED):
        raise SystemExit(1)


def _people(directory: Path) -> "PeopleFolder":
    """Raises InvalidRequest, which names `--unlabelled` where the folder has photographs of its own."""
    from indexer.errors import InvalidRequest
    from indexer.pipeline import people_folder

    try:
        return people_folder.read(directory)
    except InvalidRequest as error:
        if not people_folder.photographs(directory)[0]:
            raise
        hint = "`--unlabelled` enrols photographs whose people have no names"
        raise InvalidRequest(f"{error.message}; {hint}") from None
