"""`gemel train --task expression`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from indexer.cli.output import console, out, print_result

if TYPE_CHECKING:
    from indexer.training.expression.folds import ComparisonResult

APPLY = {"task", "data", "out", "steps", "seed", "name", "json"}
"""The options of `gemel train` that this task has."""


def train_expression(given: dict[str, Any], json_file: Path | None) -> None:
    """`given`: the options on the command line. Raises InvalidRequest, WeightsMissing, Busy, OSError."""
    from indexer.cli.evaluate.measurement import pipelines, progress
    from indexer.evaluation.attributes.expression.data import read_expressions
    from indexer.settings import Settings
    from indexer.training.export import check_extras
    from indexer.training.expression.run import ExpressionOptions, train
    from indexer.training.run.folder import claimed
    from indexer.weights.locate import read_verified
    from indexer.weights.published import EXPRESSION
    from indexer.weights.store import WeightStore

    for name in given:
        if name not in APPLY:
            raise typer.BadParameter(
                "does not apply to --task expression", param_hint=f"--{name.replace('_', '-')}"
            )
    for name in ("data", "out"):
        if name not in given:
            raise typer.BadParameter("is required", param_hint=f"--{name}")
    chosen = ExpressionOptions(**{name: given[name] for name in given if name not in ("task", "json")})
    chosen.check()
    check_extras()
    pictures = read_expressions(chosen.data)
    weights = read_verified(EXPRESSION, WeightStore.of(Settings()))
    with (
        claimed(chosen.out, resume=False),
        pipelines(None) as [pipeline],
        progress(len(pictures), doing="features") as advance,
    ):
        result, card = train(chosen, pictures, pipeline, weights, advance)
    figures = {"card": str(card), **asdict(result), "comparison_helps": result.comparison_helps}
    print_result(figures, json_file, lambda: _print(result, card))


def _print(result: "ComparisonResult", card: Path) -> None:
    table = Table("", "Accuracy", "95 % interval", title="Leave-subjects-out")
    for method in result.methods:
        low, high = method.interval or (0.0, 1.0)
        table.add_row(method.method, f"{method.accuracy:.2%}", f"{low:.2%} to {high:.2%}")
    low, high = result.gain_interval or (0.0, 0.0)
    table.caption = (
        f"{result.pictures:,} pictures of {result.people:,} people; {result.no_face:,} without a face count"
        f" as wrong; {result.without_reference:,} have nothing to be compared with. Intervals by person"
    )
    out.print(table)
    helps = "The comparison helps" if result.comparison_helps else "The comparison is not shown to help"
    out.print(
        f"{helps}: both minus face alone {result.gain:+.2%} ({low:+.2%} to {high:+.2%}).", highlight=False
    )
    out.print(f"Card: {card}", highlight=False, soft_wrap=True)
    console.print(
        f"Measure it on other people: gemel evaluate expression --data DIR --head {card}",
        highlight=False,
        soft_wrap=True,
    )
