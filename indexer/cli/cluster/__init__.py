"""`gemel cluster`: groups of one person each, from faces that nobody has named."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.cluster import folder
from indexer.cli.cluster.options import FPIR
from indexer.cli.commands import Json, check_writable, html_file
from indexer.cli.evaluate.options import drawable


def cluster(
    directory: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="A folder with photographs, in subfolders, too."),
    ],
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE",
            help="The least mean similarity of the faces of a group, above 0 and up to 1; the default follows"
            " from `--fpir`.",
        ),
    ] = None,
    fpir: Annotated[
        float,
        typer.Option(
            min=1e-6,
            max=0.5,
            metavar="RATE",
            help="Share of faces that may resemble a face of somebody else. It sets the threshold, among as"
            " many faces as are found.",
        ),
    ] = FPIR,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A model, named as in GEMEL_MODEL, which is the default."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            dir_okay=False,
            callback=check_writable,
            help="Keep the faces, their embeddings and their groups in it. The next run reads new photographs"
            " only, and groups keep their ids.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        html_file("Write a page with the faces of each group to it; needs the extra `report`.", drawable),
    ] = None,
    json: Json = None,
) -> None:
    """Group the faces in a folder of photographs: one group for each person. Nothing is enrolled.

    All faces of a photograph are compared. A face that resembles no other, or is too small or too poor to be
    enrolled, is in no group. Ctrl-C stops after a photograph or two, and what was read is grouped; with
    `--state`, the same command continues.

    Example: `gemel cluster photographs/ --html groups.html --state groups.npz`
    """
    folder.run(directory, threshold, fpir, model, state, html, json)
