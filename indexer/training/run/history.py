"""The history of a run, as a CSV file and as a plot."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.pages.plots import CURVE, POINT, QUIET, new_figure, set_titles

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A validation, and means over the steps since the last one."""

    step: int
    loss: float
    distillation: float
    """The part of `loss` that is the distillation loss."""
    genuine: float
    """Distance of pairs of one person."""
    impostor: float
    """Distance of the chosen pairs of two people."""
    learning_rate: float
    faces_per_second: float
    fnir: float
    fnir_quarter: float
    rank1: float


def write(rows: "Sequence[DataclassInstance]", path: Path) -> None:
    """`rows`, all of one class, with a header of their fields' names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in fields(rows[0])])
        table.writeheader()
        table.writerows(asdict(row) for row in rows)


def draw(entries: Sequence[Entry], title: str, path: Path) -> None:
    """Loss, distances and validation over the steps. Raises Misconfigured without Matplotlib, OSError."""
    figure = new_figure(8, 9)
    loss, distance, rates = figure.subplots(3, sharex=True)
    trained = [entry for entry in entries if entry.step > 0]
    steps = [entry.step for entry in trained]
    loss.plot(steps, [entry.loss for entry in trained], color=CURVE, label="total")
    if any(entry.distillation for entry in trained):
        loss.plot(steps, [entry.distillation for entry in trained], color=QUIET, label="distillation")
        loss.legend(frameon=False)
    set_titles(loss, "Loss", title)
    distance.plot(steps, [entry.genuine for entry in trained], color=CURVE, label="one person")
    distance.plot(
        steps, [entry.impostor for entry in trained], color=POINT, label="two people (chosen pairs)"
    )
    distance.legend(frameon=False)
    set_titles(distance, "Distance", "of the training pairs")
    every = [entry.step for entry in entries]
    rates.plot(every, [entry.fnir for entry in entries], "o-", color=CURVE, label="clean")
    rates.plot(
        every,
        [entry.fnir_quarter for entry in entries],
        "o-",
        color=POINT,
        label="a quarter of the pixels",
    )
    rates.legend(frameon=False)
    set_titles(rates, "FNIR at FPIR 1 %", "of the people held out")
    rates.set(xlabel="step")
    for axes in (loss, distance, rates):
        axes.set_ylim(0, 1.03 * axes.get_ylim()[1])
    figure.savefig(path, format="png")
