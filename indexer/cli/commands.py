"""What the commands have in common: `--json [FILE]`, and values that are checked before minutes of work."""

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
    """The path, if a file can be made there. Raises typer.BadParameter."""
    if path is not None and path != STDOUT and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder {path.absolute().parent} does not exist")
    return path


Json = Annotated[
    Path | None,
    typer.Option(
        FLAG,
        metavar="[FILE]",
        allow_dash=True,
        dir_okay=False,
        callback=check_writable,
        help="Print only JSON, on stdout; or write it to FILE.json and show the result as well.",
    ),
]


Gallery = Annotated[str, typer.Option("--gallery", "-g", help="The gallery's name.")]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def confirm(question: str) -> None:
    """Raises typer.Abort where the answer is no, InvalidRequest where there is no terminal to answer on."""
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        typer.echo(err=True)  # the question has no line end yet
        raise InvalidRequest("nothing is deleted: nobody said yes; `--yes` deletes without asking") from None


class Command(TyperCommand):
    """A command whose `--json` may stand alone, and whose numbers are finite.

    A file follows as `--json=FILE`, or as the next word where that ends in `.json`: so that the photograph in
    `gemel identify --json party.jpg` is not taken for the file to write.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, _with_a_file(args))
        _check_finite(ctx, self.params)
        return rest


class Group(TyperGroup):
    """Likewise, for a group that is a command itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, _with_a_file(args))
        _check_finite(ctx, self.params)
        return rest


class Commands(typer.Typer):
    """A group of `Command`s, with `-h` for help."""

    def __init__(self, help: str | None = None, *, no_args_is_help: bool = True, **options: Any) -> None:
        """`help`: by default the docstring of the group's callback."""
        names = {"help_option_names": ["-h", "--help"]}
        given: dict[str, Any] = {} if help is None else {"help": help}
        super().__init__(no_args_is_help=no_args_is_help, context_settings=names, **given, **options)

    def command(self, *names: Any, **options: Any) -> Callable[[Any], Any]:
        return super().command(*names, **{"cls": Command} | options)


def _with_a_file(args: list[str]) -> list[str]:
    explicit: list[str] = []
    for number, word in enumerate(args):
        if word == "--":
            return explicit + args[number:]
        following = args[number + 1] if number + 1 < len(args) else ""
        names_a_file = following == str(STDOUT) or following.endswith(".json")
        explicit.append(f"{FLAG}={STDOUT}" if word == FLAG and not names_a_file else word)
    return explicit


def _check_finite(ctx: Any, parameters: list[Any]) -> None:
    """NaN is within any range, since no comparison with it is true. Raises typer.BadParameter."""
    for parameter in parameters:
        value = ctx.params.get(parameter.name)
        for number in value if isinstance(value, list | tuple) else [value]:
            if isinstance(number, float) and not math.isfinite(number):
                raise typer.BadParameter(f"{number} is not a finite number.", ctx=ctx, param=parameter)
