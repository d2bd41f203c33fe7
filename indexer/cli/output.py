"""How commands speak: people are spoken to on stderr and in tables, programs in JSON on stdout."""

import json
import logging
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True)
"""Progress and errors."""
out = Console()
"""Results."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


class LogLines(logging.Handler):
    """Above a bar that is being drawn, not across it."""

    def emit(self, record: logging.LogRecord) -> None:
        console.print(self.format(record), highlight=False, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, default=str))


def json_line(value: Any) -> str:
    return json.dumps(value, default=str)


def fail(message: str, *, code: str = "error") -> NoReturn:
    console.print(f"[red]error[/] {escape(message)} [dim]({code})[/]", highlight=False)
    raise SystemExit(1)


def progress_bar() -> Progress:
    return Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )
