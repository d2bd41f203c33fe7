"""What the commands have in common: `--json [FILE]`, and files that are checked before minutes of work."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from indexer.cli.output import STDOUT

FLAG = "--json"


def writable(path: Path | None) -> Path | None:
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
        callback=writable,
        help="Print only JSON, on stdout; or write it to FILE.json and show the result as well.",
    ),
]


Gallery = Annotated[str, typer.Option("--gallery", "-g", help="The gallery's name.")]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


class Command(TyperCommand):
    """A command whose `--json` may stand alone.

    A file follows as `--json=FILE`, or as the next word where that ends in `.json`: so that the photograph in
    `gemel identify --json party.jpg` is not taken for the file to write.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_a_file(args))


class Group(TyperGroup):
    """Likewise, for a group that is a command itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_a_file(args))


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
