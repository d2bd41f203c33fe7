"""`gemel identify`.

The engine is imported inside the command: `--help` should not wait until its libraries are imported.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from indexer.cli.box import place_of
from indexer.cli.commands import Json
from indexer.cli.output import escape_text, out, print_result
from indexer.cli.recognition.options import Box, Filter, Metadata, Threshold, parse_filter
from indexer.cli.recognition.tables import add_rows, empty_table, summary
from indexer.errors import GemelError
from indexer.settings import Settings


def identify(
    images: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Photographs.")],
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
    json: Json = None,
) -> None:
    """Identify the faces in photographs among the people of a gallery, or of several.

    Example: `gemel identify party.jpg --gallery staff --filter '{"metadata": {"site": "A"}}'`
    """
    from indexer.records.database import schema
    from indexer.usecases.answers.identify import IdentifyAnswer
    from indexer.usecases.answers.identify_in_several import IdentifyInSeveralAnswer
    from indexer.usecases.bootstrap import open_engine
    from indexer.usecases.identify_in_several import identify_in_several
    from indexer.usecases.searches.options import SearchOptions

    if box is not None and len(images) > 1:
        raise typer.BadParameter("--box is for one photograph")
    settings = Settings()
    rows: list[dict[str, Any]] = []
    answers: list[IdentifyAnswer | IdentifyInSeveralAnswer] = []
    several = len(gallery) > 1
    if len(set(gallery)) < len(gallery):
        raise typer.BadParameter("--gallery names a gallery twice")
    table = empty_table(several=several)
    options = SearchOptions(
        max_candidates=max_candidates,
        unique_identities=unique_identities,
        threshold=threshold,
        among=None if people is None else parse_filter(people),
        metadata=metadata,
    )
    with open_engine(settings) as engine:
        schema.prepare(settings, engine.database)
        for path in images:
            try:
                answer: IdentifyAnswer | IdentifyInSeveralAnswer
                if several:
                    answer = IdentifyInSeveralAnswer.of(
                        identify_in_several(
                            engine.identifier,
                            gallery,
                            path.read_bytes(),
                            options,
                            max_faces=max_faces,
                            place=place_of(box),
                        )
                    )
                else:
                    identification = engine.identifier.identify(
                        gallery[0],
                        path.read_bytes(),
                        max_faces=max_faces,
                        max_candidates=max_candidates,
                        unique_identities=unique_identities,
                        threshold=threshold,
                        place=place_of(box),
                        remember=remember,
                        among=options.among,
                        metadata=metadata,
                    )
                    answer = IdentifyAnswer.of(identification)
            except GemelError as error:
                if len(images) == 1:
                    raise
                rows.append({"image": str(path), "code": error.code, "detail": error.message})
                table.add_row(escape_text(path.name), "", "", f"[red]{escape_text(error.message)}[/]")
                continue
            answers.append(answer)
            rows.append({"image": str(path)} | answer.model_dump(mode="json"))
            add_rows(table, path, answer)

    def show() -> None:
        out.print(table)
        if answers:
            last = answers[-1]
            if isinstance(last, IdentifyInSeveralAnswer):
                for one in last.galleries:
                    out.print(f"{one.gallery}: {summary(one)}", soft_wrap=True)
            else:
                out.print(summary(last), soft_wrap=True)

    print_result(rows, json, show)
    if len(answers) < len(images):
        raise SystemExit(1)
