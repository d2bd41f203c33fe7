"""The options that the commands share, checked before minutes of work and not after."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.commands import writable
from indexer.errors import Misconfigured
from indexer.pages import html as pages


def drawable(path: Path | None) -> Path | None:
    if path is not None:
        try:
            pages.require()
        except Misconfigured as error:
            raise typer.BadParameter(error.message) from None
    return writable(path)


DataOption = Annotated[
    Path,
    typer.Option(
        "--data", metavar="DIR", help="A folder as LFW's: NAME/NAME_0001.jpg (and pairs.txt, for `lfw`)."
    ),
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="As GEMEL_MODEL names it, which is the default. Several are compared side by side.",
    ),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE.html",
        dir_okay=False,
        callback=drawable,
        help="Write a report with pictures, one file; needs the extra `report`.",
    ),
]
PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE.png",
        dir_okay=False,
        callback=drawable,
        help="Draw the error tradeoff; needs the extra `report`.",
    ),
]
