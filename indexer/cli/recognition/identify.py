"""`gemel identify`.

The engine is imported inside the command: `--help` should not wait until its libraries are imported.
"""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.box import place_of
from indexer.cli.commands import Json
from indexer.cli.output import print_result
from indexer.cli.recognition.files import INTERRUPTED, collect, print_last_line, print_lines, print_table
from indexer.cli.recognition.options import (
    Attributes,
    Box,
    Filter,
    Metadata,
    Threshold,
    parse_attributes,
    parse_filter,
)
from indexer.settings import Settings


def identify(
    images: Annotated[
        list[Path], typer.Argument(exists=True, help="Photographs, and folders with photographs.")
    ],
    gallery: Annotated[
        list[str],
        typer.Option(
            "--gallery",
            "-g",
            help="A gallery's name. Repeat it to search several, each with its own threshold.",
        ),
    ],
    max_faces: Annotated[
        int, typer.Option(min=1, help="Most faces to identify in each photograph, largest first.")
    ] = 10,
    max_candidates: Annotated[int, typer.Option(min=1, help="Most candidates for each face.")] = 1,
    unique_identities: Annotated[
        bool, typer.Option("--unique-identities", help="Match each person to the most similar face only.")
    ] = False,
    threshold: Threshold = None,
    box: Box = None,
    remember: Annotated[
        bool,
        typer.Option(
            help="Remember unknown faces, if that is the gallery's policy. With `--threshold` or `--filter`:"
            " never."
        ),
    ] = True,
    people: Filter = None,
    metadata: Metadata = False,
    attributes: Attributes = "",
    json: Json = None,
    json_lines: Annotated[
        bool,
        typer.Option(
            "--json-lines",
            help="Print a line of JSON for each photograph as soon as it is done, and a last one that counts"
            " them.",
        ),
    ] = False,
) -> None:
    """Identify the faces in photographs among the people of a gallery, or of several.

    Several photographs are identified at once, and one that fails does not stop the others: the exit status
    is then 1. Files of a folder that are no pictures are skipped.

    Example: `gemel identify party.jpg --gallery staff --filter '{"metadata": {"site": "A"}}'`
    """
    from indexer.records.database import schema
    from indexer.usecases.answers.identify import IdentifyAnswer
    from indexer.usecases.answers.identify_in_several import IdentifyInSeveralAnswer
    from indexer.usecases.bootstrap import open_engine
    from indexer.usecases.identify_files import photographs
    from indexer.usecases.identify_in_several import identify_in_several
    from indexer.usecases.searches.options import SearchOptions

    if len(set(gallery)) < len(gallery):
        raise typer.BadParameter("--gallery names a gallery twice")
    if json_lines and json is not None:
        raise typer.BadParameter("give --json or --json-lines.")
    alone = len(images) == 1 and not images[0].is_dir()
    if box is not None and not alone:
        raise typer.BadParameter("--box is for one photograph")
    files, skipped = photographs(images)
    settings = Settings()
    requested = parse_attributes(attributes)
    options = SearchOptions(
        max_candidates=max_candidates,
        unique_identities=unique_identities,
        threshold=threshold,
        among=None if people is None else parse_filter(people),
        metadata=metadata,
    )
    with open_engine(settings) as engine:
        schema.prepare(settings, engine.database)

        def identify_one(data: bytes) -> IdentifyAnswer | IdentifyInSeveralAnswer:
            if len(gallery) > 1:
                found = identify_in_several(
                    engine.identifier,
                    gallery,
                    data,
                    options,
                    max_faces=max_faces,
                    place=place_of(box),
                    attributes=requested,
                )
                return IdentifyInSeveralAnswer.of(found)
            identification = engine.identifier.identify(
                gallery[0],
                data,
                max_faces=max_faces,
                max_candidates=max_candidates,
                unique_identities=unique_identities,
                threshold=threshold,
                place=place_of(box),
                remember=remember,
                among=options.among,
                metadata=metadata,
                attributes=requested,
            )
            return IdentifyAnswer.of(identification)

        if json_lines:
            run = print_lines(files, identify_one, parallel=settings.threads)
        else:
            run = collect(files, identify_one, parallel=settings.threads, alone=alone)
    run.skipped = len(skipped)
    if json_lines:
        print_last_line(run)
    else:
        print_result(run.rows(), json, lambda: print_table(run, several=len(gallery) > 1, metadata=metadata))
    if run.interrupted:
        raise SystemExit(INTERRUPTED)
    if run.failed:
        raise SystemExit(1)
