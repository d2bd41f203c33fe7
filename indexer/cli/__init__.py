"""The command line, `gemel`. Each command opens what it needs and prints a table or JSON."""

import getpass
import logging
import os
import signal
import socket
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from indexer import unknown_settings
from indexer.callers import Caller, current_caller
from indexer.cli.audit import app as audit_commands
from indexer.cli.calibrate import calibrate
from indexer.cli.cluster import app as cluster_commands
from indexer.cli.commands import Commands
from indexer.cli.doctor import doctor
from indexer.cli.duplicates import duplicates
from indexer.cli.enrol import enrol
from indexer.cli.evaluate import app as evaluate_commands
from indexer.cli.gallery import app as gallery_commands
from indexer.cli.index.commands import app as index_commands
from indexer.cli.keys import app as keys_commands
from indexer.cli.models import app as models_commands
from indexer.cli.output import ConsoleLogHandler, fail, print_error, print_warning
from indexer.cli.people import imports as imports_commands
from indexer.cli.people import person as person_commands
from indexer.cli.people import reviews as reviews_commands
from indexer.cli.people import visitors as visitors_commands
from indexer.cli.recognition import detect, identify, verify
from indexer.cli.reindex import app as reindex_commands
from indexer.cli.reindex import worker
from indexer.cli.server.commands import migrate, serve
from indexer.cli.train import app as train_commands
from indexer.errors import GemelError

HINTS = {"gallery_not_found": "`gemel gallery list` lists all galleries"}
"""By error code: what to do next, in terms of commands."""

app = Commands(
    "Face identification: enrol a person from one photograph, find them again in others.",
    name="gemel",
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"gemel {version('gemel')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for command in (
    *(serve, worker, migrate, enrol, identify, verify, detect),
    *(calibrate, duplicates, doctor),
):
    app.command()(command)
app.add_typer(cluster_commands, name="cluster")
app.add_typer(evaluate_commands, name="evaluate")
app.add_typer(gallery_commands, name="gallery")
app.add_typer(keys_commands, name="keys")
app.add_typer(person_commands, name="person")
app.add_typer(reviews_commands, name="reviews")
app.add_typer(imports_commands, name="imports")
app.add_typer(visitors_commands, name="visitors")
app.add_typer(index_commands, name="index")
app.add_typer(reindex_commands, name="reindex")
app.add_typer(models_commands, name="models")
app.add_typer(audit_commands, name="audit")
app.add_typer(train_commands, name="train")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. An error that Gemel expects is printed as one line, with exit status 1.

    `arguments`: by default those of the process.
    """
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s: %(message)s", handlers=[ConsoleLogHandler()]
    )
    # The default handler ends the process at once and leaves the embedded PostgreSQL running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _warn_of_unknown_settings()
    token = current_caller.set(_command_line())
    try:
        app(arguments, prog_name="gemel")
    except GemelError as error:
        hint = HINTS.get(error.code)
        fail(f"{error.message}; {hint}" if hint else error.message, code=error.code)
    except OSError as error:  # such as a full disk or a folder without write permission
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}", code="operating_system")
    except ValidationError as error:
        for problem in error.errors():
            name = "GEMEL_" + "_".join(str(part) for part in problem["loc"]).upper()
            print_error(f"{name}: {_describe(problem)}")
        raise SystemExit(2) from None
    finally:
        current_caller.reset(token)


def _command_line() -> Caller:
    """The user of this machine who runs the command."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        user = str(os.getuid())
    return Caller(name=f"command line: {user}@{socket.gethostname()}")


def _describe(problem: ErrorDetails) -> str:
    if problem["type"] == "too_short":  # pydantic speaks of the items of a secret
        return f"must have at least {problem['ctx']['min_length']} characters"
    return problem["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)


def _warn_of_unknown_settings() -> None:
    for name, nearest in unknown_settings.find_unknown().items():
        hint = f"; did you mean {nearest}?" if nearest else ""
        print_warning(f"there is no setting {name}{hint}")


__all__ = ["app", "main"]
