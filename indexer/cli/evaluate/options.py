"""The options that the commands share. They are checked before the work begins."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.commands import check_writable
from indexer.errors import Misconfigured
from indexer.pages import html as pages


def drawable(path: Path | None) -> Path | None:
    """Raises BadParameter if the extra `report` is missing or `path` cannot be written."""
    if path is not None:
        try:
            pages.require()
        except Misconfigured as error:
            raise typer.BadParameter(error.message) from None
    return check_writable(path)


DataOption = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="DIR",
        help="A folder laid out like LFW: NAME/NAME_0001.jpg (`lfw` needs pairs.txt).",
    ),
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="A model, named as in GEMEL_MODEL, which is the default. Repeatable, for a comparison.",
    ),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE.html",
        dir_okay=False,
        callback=drawable,
        help="Write a report with plots, one file; needs the extra `report`.",
    ),
]
PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE.png",
        dir_okay=False,
        callback=drawable,
        help="Draw the error tradeoff as a PNG; needs the extra `report`.",
    ),
]
