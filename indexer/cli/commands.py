"""Parts that commands share: `--json [FILE]`, common options, and checks of values before the work begins."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from indexer.cli.output import STDOUT
from indexer.errors import InvalidRequest

FLAG = "--json"


def check_writable(path: Path | None) -> Path | None:
    """Return the path if its folder exists. Raises typer.BadParameter."""
    if path is not None and path != STDOUT and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder {path.absolute().parent} does not exist")
    return path


def html_file(help: str, check: Callable[[Path | None], Path | None] = check_writable) -> Any:
    """An option for a page that is written."""
    return typer.Option(metavar="FILE.html", dir_okay=False, callback=check, help=help)


def csv_file(help: str) -> Any:
    """An option for a table that is written."""
    return typer.Option(metavar="FILE.csv", dir_okay=False, callback=check_writable, help=help)


Json = Annotated[
    Path | None,
    typer.Option(
        FLAG,
        metavar="[FILE]",
        allow_dash=True,
        dir_okay=False,
        callback=check_writable,
        help="Print only JSON on stdout. With FILE.json: write JSON to it and print the result as usual.",
    ),
]


Gallery = Annotated[str, typer.Option("--gallery", "-g", help="The gallery's name.")]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def confirm(question: str) -> None:
    """Ask for confirmation. Raises typer.Abort if the answer is no, InvalidRequest without a terminal."""
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        typer.echo(err=True)  # ends the line of the question
        raise InvalidRequest(
            "nothing was deleted: there is no terminal to confirm on; `--yes` deletes without confirmation"
        ) from None


class Command(TyperCommand):
    """A command that accepts `--json` with or without a file, and rejects numbers that are not finite.

    The file is given as `--json=FILE`, or as the next word if that ends in `.json`. Any other next word is an
    argument: `gemel identify --json party.jpg` reads the photograph and does not overwrite it.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, _complete_json_option(args))
        _check_finite(ctx, self.params)
        return rest


class Group(TyperGroup):
    """The same for a group that is itself a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, _complete_json_option(args))
        _check_finite(ctx, self.params)
        return rest


class Commands(typer.Typer):
    """A group of commands of class `Command`, with `-h` as short form of `--help`."""

    def __init__(self, help: str | None = None, *, no_args_is_help: bool = True, **options: Any) -> None:
        """`help`: the default is the docstring of the group's callback."""
        names = {"help_option_names": ["-h", "--help"]}
        given: dict[str, Any] = {} if help is None else {"help": help}
        super().__init__(no_args_is_help=no_args_is_help, context_settings=names, **given, **options)

    def command(self, *names: Any, **options: Any) -> Callable[[Any], Any]:
        return super().command(*names, **{"cls": Command} | options)


def _complete_json_option(args: list[str]) -> list[str]:
    """Replace `--json` without a file by `--json=-`."""
    completed: list[str] = []
    for number, word in enumerate(args):
        if word == "--":
            return completed + args[number:]
        following = args[number + 1] if number + 1 < len(args) else ""
        names_a_file = following == str(STDOUT) or following.endswith(".json")
        completed.append(f"{FLAG}={STDOUT}" if word == FLAG and not names_a_file else word)
    return completed


def _check_finite(ctx: Any, parameters: list[Any]) -> None:
    """Raises typer.BadParameter. A range does not exclude NaN: every comparison with it is false."""
    for parameter in parameters:
        value = ctx.params.get(parameter.name)
        for number in value if isinstance(value, list | tuple) else [value]:
            if isinstance(number, float) and not math.isfinite(number):
                raise typer.BadParameter(f"{number} is not a finite number.", ctx=ctx, param=parameter)
