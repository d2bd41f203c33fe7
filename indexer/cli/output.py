"""How commands speak: people are spoken to on stderr and in tables, programs in JSON."""

import json
import logging
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.markup import escape
from rich.segment import Segment

from indexer.files import written_whole

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

STDOUT = Path("-")


def replace_controls(text: str) -> str:
    """`text` without what a terminal would obey: a name or a file's name may come from anybody."""
    return "".join(REPLACEMENT if _is_obeyed(character) else character for character in text)


def escape_text(text: object) -> str:
    """`text` for a table or a line: control characters are replaced, brackets are escaped."""
    return escape(replace_controls(str(text)).replace("\n", REPLACEMENT))


class _PrintableOnly(RenderHook):
    """Whatever is printed, no control character of it reaches the terminal; Rich's own still do."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Printable(renderable) for renderable in renderables]


class _Printable:
    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._renderable, options):
            yield segment if segment.control else Segment(replace_controls(segment.text), segment.style)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    console.push_render_hook(_PrintableOnly())
    return console


console = _console(stderr=True)
"""Progress and errors."""
out = _console(stderr=False)
"""Results."""


class ConsoleLogHandler(logging.Handler):
    """Above a bar that is being drawn, not across it."""

    def emit(self, record: logging.LogRecord) -> None:
        console.print(self.format(record), highlight=False, markup=False, soft_wrap=True)


def print_result(value: Any, json_file: Path | None, show: Callable[[], object]) -> None:
    """A command's result: to people by `show`; as JSON to a file as well, or to stdout alone.

    Raises OSError; what the file held before is then still there.
    """
    if json_file != STDOUT:
        show()
    if json_file is not None:
        write_json(value, json_file)


def write_json(value: Any, json_file: Path) -> None:
    """Raises OSError; what the file held before is then still there."""
    text = json.dumps(value, indent=2, default=str)
    if json_file == STDOUT:
        typer.echo(text)
    else:
        write_atomically(json_file, text + "\n")


def write_atomically(path: Path, text: str) -> None:
    """The file has all of `text` or is as it was; a device or a pipe is simply written to. Raises OSError.

    Names of files that are no text, as `os.fsdecode` gives them, are written as they are on the disk.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, "utf-8", "surrogateescape")
        return
    with written_whole(path.resolve()) as aside:
        aside.write_text(text, "utf-8", "surrogateescape")


def json_line(value: Any) -> str:
    return json.dumps(value, default=str)


def fail(message: str, *, code: str = "error") -> NoReturn:
    console.print(f"[red]error[/] {escape_text(message)} [dim]({code})[/]", highlight=False)
    raise SystemExit(1)


def _is_obeyed(character: str) -> bool:
    """C0 and C1 controls but for line ends, direction marks, and half surrogate pairs."""
    if character == "\n":
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _BIDI
