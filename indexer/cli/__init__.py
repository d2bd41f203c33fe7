"""`gemel ...`: what operators type. Each command opens what it needs and prints for people, or JSON."""

import logging
import signal
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rich.markup import escape

from indexer.cli import unknown_settings
from indexer.cli.calibrate import calibrate
from indexer.cli.commands import Commands
from indexer.cli.enrol import enrol
from indexer.cli.evaluate import app as evaluate_commands
from indexer.cli.gallery import app as gallery_commands
from indexer.cli.identify import identify, verify
from indexer.cli.index.commands import app as index_commands
from indexer.cli.output import ConsoleLogHandler, console, fail
from indexer.cli.person import app as person_commands
from indexer.cli.reindex import app as reindex_commands
from indexer.cli.reindex import worker
from indexer.cli.server.commands import migrate, models, serve
from indexer.cli.train import app as train_commands
from indexer.errors import GemelError

HINTS = {"gallery_not_found": "`gemel gallery list` shows all"}
"""What to do, by code, in the command line's own words."""

app = Commands(
    "Face identification: enrol a person from one photograph, find them again in others.",
    name="gemel",
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"gemel {version('gemel')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for command in (serve, worker, migrate, enrol, identify, verify, calibrate, models):
    app.command()(command)
app.add_typer(evaluate_commands, name="evaluate")
app.add_typer(gallery_commands, name="gallery")
app.add_typer(person_commands, name="person")
app.add_typer(index_commands, name="index")
app.add_typer(reindex_commands, name="reindex")
app.add_typer(train_commands, name="train")


def main(arguments: Sequence[str] | None = None) -> None:
    """Errors that Gemel knows end with one line and status 1, not with a trace.

    `arguments`: None for those of the process.
    """
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s: %(message)s", handlers=[ConsoleLogHandler()]
    )
    # By default it would end the process on the spot, with the embedded PostgreSQL left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _name_unknown_variables()
    try:
        app(arguments, prog_name="gemel")
    except GemelError as error:
        hint = HINTS.get(error.code)
        fail(f"{error.message}; {hint}" if hint else error.message, code=error.code)
    except OSError as error:  # a full disk, a folder that may not be written to
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}", code="operating_system")
    except ValidationError as error:
        for problem in error.errors():
            name = "GEMEL_" + "_".join(str(part) for part in problem["loc"]).upper()
            console.print(f"[red]error[/] {name}: {escape(_in_words(problem))}", highlight=False)
        raise SystemExit(2) from None


def _in_words(problem: ErrorDetails) -> str:
    if problem["type"] == "too_short":  # pydantic counts the items of a secret
        return f"must have at least {problem['ctx']['min_length']} characters"
    return problem["msg"]


def _name_unknown_variables() -> None:
    for name, nearest in unknown_settings.unknown().items():
        hint = f"; did you mean {nearest}?" if nearest else ""
        console.print(f"[yellow]warning[/] there is no setting {escape(name)}{hint}", highlight=False)


__all__ = ["app", "main"]
