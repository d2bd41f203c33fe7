"""The form of a report: tables for the terminal and for the HTML page, and plots for the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, TypeAlias

from indexer.evaluation.intervals import Interval
from indexer.evaluation.provenance import Provenance
from indexer.pages import html as pages

INTERVALS = "Intervals: 95 %, bootstrap by identity."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    text: str
    interval: Interval | None = None
    """Of a rate, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    label: str
    cells: tuple[Cell, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    columns: tuple[str, ...]
    """Without the first column, which has the labels of the rows."""
    rows: tuple[Row, ...]


Draw: TypeAlias = Callable[[IO[bytes]], None]
"""Writes a PNG. It is called when a page is rendered: the terminal needs no Matplotlib."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plot:
    alt: str
    draw: Draw


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    title: str
    text: tuple[str, ...] = ()
    """Paragraphs before the plots and the table."""
    plots: tuple[Plot, ...] = ()
    table: Table | None = None
    notes: tuple[str, ...] = ()
    """Paragraphs after the plots and the table."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    title: str
    lead: str
    """One or two sentences: what is measured."""
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def facts(
    provenance: Provenance, models: Sequence[str], data: str, *more: tuple[str, str]
) -> tuple[tuple[str, str], ...]:
    """The facts that every report begins with. `models`: their fingerprints."""
    load = "" if provenance.load is None else f", load average {provenance.load:g}"
    return (
        ("Model" if len(models) == 1 else "Models", ", ".join(models)),
        ("Data", data),
        *more,
        ("Made", f"{provenance.made}, {provenance.command}"),
        ("On", f"{provenance.machine}{load}; Gemel {provenance.gemel}, Python {provenance.python}"),
    )


def rate(value: float | None, interval: Interval | None = None) -> Cell:
    return Cell(text=pages.percent(value), interval=interval)


def count(value: int) -> Cell:
    return Cell(text=f"{value:,}")


def html(report: Report) -> str:
    """Raises Misconfigured without the extra `report`."""
    return pages.render("evaluation.html.j2", report=report)
