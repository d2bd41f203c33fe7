"""A measurement to look at: the same tables for a terminal and for a page, and pictures for the page.

What is in it, `reports` says; this module knows the form only.
"""

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
    """Of rates, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    label: str
    cells: tuple[Cell, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    columns: tuple[str, ...]
    """Without the first, which names the rows."""
    rows: tuple[Row, ...]


Draw: TypeAlias = Callable[[IO[bytes]], None]
"""Writes a PNG. Called when a page is made, so that a terminal needs no Matplotlib."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    alt: str
    draw: Draw


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    title: str
    text: tuple[str, ...] = ()
    """Before the pictures and the table."""
    pictures: tuple[Picture, ...] = ()
    table: Table | None = None
    notes: tuple[str, ...] = ()
    """After them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    title: str
    lead: str
    """What was measured, in a sentence or two."""
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def facts(
    provenance: Provenance, models: Sequence[str], data: str, *more: tuple[str, str]
) -> tuple[tuple[str, str], ...]:
    """What every report says of itself. `models`: their fingerprints."""
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
