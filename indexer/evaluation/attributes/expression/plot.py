"""The confusion matrix, and faces with their answers."""

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

import numpy as np

from indexer.evaluation.attributes.expression.outcomes import Example
from indexer.evaluation.attributes.expression.rates import ExpressionResult, columns
from indexer.pages.plots import CURVE, POINT, QUIET, new_figure, set_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_confusion(result: ExpressionResult, file: IO[bytes]) -> None:
    """A row an expression of the data, a column an answer. Writes a PNG. Raises Misconfigured."""
    from matplotlib.colors import LinearSegmentedColormap

    names = list(result.confusion)
    answers = columns(result)
    numbers = np.array([[row[answer] for answer in answers] for row in result.confusion.values()])
    shares = numbers / numbers.sum(axis=1, keepdims=True)
    figure = new_figure(9, 1.9 + 0.5 * len(names))
    axes = figure.add_subplot()
    set_titles(axes, "Confusion", "share of the pictures of each expression (row) with each answer (column)")
    axes.grid(visible=False)
    colours = LinearSegmentedColormap.from_list("shares", ["#ffffff", CURVE])
    axes.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*shares.shape):
        if numbers[row, column]:
            axes.text(
                column,
                row,
                f"{shares[row, column]:.0%}\n{numbers[row, column]}",
                ha="center",
                va="center",
                fontsize=8,
                color="white" if shares[row, column] > 0.5 else "black",
            )
    axes.set_xticks(
        range(len(answers)), [answer.replace("_", " ") for answer in answers], rotation=25, ha="right"
    )
    axes.set_yticks(range(len(names)), names)
    figure.savefig(file, format="png")


def draw_examples(examples: Sequence[Example], file: IO[bytes]) -> None:
    """A row an expression: the right answers, then the wrong ones. `examples`: at least one. Writes a PNG.
    Raises Misconfigured."""
    rows: dict[str, list[Example]] = {}
    for example in examples:
        rows.setdefault(example.outcome.picture.expression, []).append(example)
    figure = new_figure(10, 0.4 + 1.55 * len(rows))
    grid = figure.subplots(len(rows), max(map(len, rows.values())), squeeze=False)
    for (expression, row), line in zip(rows.items(), grid, strict=True):
        for axes in line:
            axes.axis("off")
        line[0].set_title(expression, fontsize=10, fontweight="bold", loc="left")
        for axes, example in zip(line, row, strict=False):
            _draw(axes, example)
    figure.savefig(file, format="png")


def _draw(axes: "Axes", example: Example) -> None:
    axes.imshow(example.face)
    estimate, outcome = example.outcome.estimate, example.outcome
    if estimate is None or estimate.value is None:
        why = estimate.cannot_tell.value if estimate and estimate.cannot_tell else outcome.answer
        text, colour = why.replace("_", " "), QUIET
    else:
        text = f"{outcome.answer} {estimate.confidence or 0:.2f}"
        colour = CURVE if outcome.is_right else POINT
    axes.text(0.5, -0.04, text, transform=axes.transAxes, ha="center", va="top", fontsize=8, color=colour)
