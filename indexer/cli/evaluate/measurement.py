"""The parts that all measurements share: the pipelines and the progress bar, then tables, JSON and a page."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from indexer.cli.output import STDOUT, console, out, write_atomically, write_json
from indexer.cli.progress import progress_bar
from indexer.evaluation import report as reports
from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import Cell, Report
from indexer.pipeline.pipeline import Pipeline
from indexer.settings import Settings


@contextmanager
def pipelines(models: Sequence[str] | None) -> Iterator[list[Pipeline]]:
    """One pipeline per model in `models`, without repetitions; by default that of `GEMEL_MODEL`."""
    from indexer.usecases.bootstrap import open_pipelines

    settings = Settings()
    names = list(dict.fromkeys(models or [settings.model]))
    with open_pipelines(settings, names) as opened:
        yield opened


@contextmanager
def progress(
    total: int, *, unit: str = "images", doing: str = "embedding"
) -> Iterator[Callable[[int], None]]:
    """Yields a function that takes the number done. The bar is on stderr; stdout carries results only."""
    with progress_bar(unit) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda done: bar.update(task, completed=done)


def publish(
    report: Report,
    provenance: Provenance,
    results: Sequence[Any],
    json_file: Path | None,
    html_file: Path | None,
    **more: Any,
) -> None:
    """Prints the tables; writes JSON and the page if files are given.

    `results`: one dataclass or dictionary per model, for JSON. `more`: further fields of the JSON.
    """
    content = {
        "measurement": report.title,
        "provenance": asdict(provenance),
        **more,
        "models": [result if isinstance(result, dict) else asdict(result) for result in results],
    }
    screen = console if json_file == STDOUT else out
    for table in _tables(report):
        screen.print(table)
    if json_file is not None:
        write_json(content, json_file)
    if html_file:
        write_atomically(html_file, reports.html(report))


def _tables(report: Report) -> Iterator[Table]:
    for section in report.sections:
        if section.table is None:
            continue
        table = Table(title=f"{report.title}: {section.title}", caption="\n".join(section.notes) or None)
        table.add_column("")
        for column in section.table.columns:
            table.add_column(column, justify="right", overflow="fold")
        for row in section.table.rows:
            note = f"\n[dim]{row.note}[/]" if row.note else ""
            table.add_row(row.label + note, *(_cell(cell) for cell in row.cells))
        yield table


def _cell(cell: Cell) -> str:
    if cell.interval is None:
        return cell.text
    low, high = cell.interval
    return f"{cell.text}\n[dim]{low:.2%} to {high:.2%}[/]"
