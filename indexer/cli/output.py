"""How commands speak: people are spoken to on stderr and in tables, programs in JSON on stdout."""

import json
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


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, default=str))


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
