"""Output of commands: results on stdout, as tables or JSON; progress, warnings and errors on stderr."""

import json
import logging
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.markup import escape
from rich.segment import Segment

from indexer.files import atomic_write

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

STDOUT = Path("-")


def replace_controls(text: str) -> str:
    """`text` without control characters for a terminal: names of people and files are untrusted input."""
    return "".join(REPLACEMENT if _is_control(character) else character for character in text)


def escape_text(text: object) -> str:
    """`text` for a table or a line: control characters are replaced, brackets are escaped."""
    return escape(replace_controls(str(text)).replace("\n", REPLACEMENT))


def quantity(count: int, noun: str, plural: str | None = None) -> str:
    """Such as `1 face` or `2,000 faces`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def describe_quality(score: float, expected_miss_rate: float | None) -> str:
    """Of a face, for a table: such as `88`, and with a quality network `88, 3 % missed`."""
    return (
        f"{score:.0f}"
        if expected_miss_rate is None
        else f"{score:.0f}, {100 * expected_miss_rate:.0f} % missed"
    )


class _ControlFilter(RenderHook):
    """Replaces the control characters of everything that is printed. Rich's own control codes pass."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Filtered(renderable) for renderable in renderables]


class _Filtered:
    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._renderable, options):
            yield segment if segment.control else Segment(replace_controls(segment.text), segment.style)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    console.push_render_hook(_ControlFilter())
    return console


console = _console(stderr=True)
"""stderr: progress, warnings and errors."""
out = _console(stderr=False)
"""stdout: results."""


class ConsoleLogHandler(logging.Handler):
    """Prints log lines above a progress bar, not across it."""

    def emit(self, record: logging.LogRecord) -> None:
        console.print(self.format(record), highlight=False, markup=False, soft_wrap=True)


def print_result(value: Any, json_file: Path | None, show: Callable[[], object]) -> None:
    """Print a command's result with `show`. With a JSON file, write that too; if it is `-`, print only JSON.

    Raises OSError. The file then keeps its previous content.
    """
    if json_file != STDOUT:
        show()
    if json_file is not None:
        write_json(value, json_file)


def write_json(value: Any, json_file: Path) -> None:
    """Raises OSError. The file then keeps its previous content."""
    text = json.dumps(value, indent=2, default=_plain)
    if json_file == STDOUT:
        typer.echo(text)
    else:
        write_atomically(json_file, text + "\n")


def write_atomically(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write the whole content, or leave the file as it was. A device or a pipe is written to directly.
    `private`: only this account may read the file, as it shows faces.

    A text may contain file names from `os.fsdecode`: bytes that are not UTF-8 are written as they are on the
    disk. Raises OSError.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    with atomic_write(path.resolve()) as temporary:
        if private:
            temporary.touch(0o600)
            temporary.chmod(0o600)
        temporary.write_bytes(data)


def json_line(value: Any) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: object) -> str:
    """Times as the API writes them: ISO 8601, UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


_OPTIONS = {
    "allow_duplicate=true": "--allow-duplicates",
    "several_faces=subject": "--several-faces subject",
    "several_faces=largest": "--several-faces largest",
}


def name_options(message: str) -> str:
    """The message of an error with the options of commands in place of the API's fields."""
    for field, option in _OPTIONS.items():
        message = message.replace(field, option)
    return message


def print_warning(message: str) -> None:
    console.print(f"[yellow]warning:[/] {escape_text(message)}", highlight=False, soft_wrap=True)


def print_error(message: str, *, code: str | None = None) -> None:
    suffix = f" [dim]({code})[/]" if code else ""
    console.print(f"[red]error:[/] {escape_text(message)}{suffix}", highlight=False, soft_wrap=True)


def fail(message: str, *, code: str = "error") -> NoReturn:
    """Print the error and exit with status 1."""
    print_error(message, code=code)
    raise SystemExit(1)


def _is_control(character: str) -> bool:
    """C0 and C1 controls except the line feed, line separators, direction marks, and lone surrogates."""
    if character == "\n":
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _BIDI
