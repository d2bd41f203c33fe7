"""The output of `gemel train`."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import Progress
from rich.table import Table

from indexer.cli.output import console, out
from indexer.embedding.card_file import CardFile
from indexer.training.recipes import MEASURED, RECIPES, as_options

if TYPE_CHECKING:
    from indexer.training.options import Options
    from indexer.training.sweep import Row
    from indexer.training.train import Outcome


def print_options(options: "Options", given: dict[str, Any], *, resumed: bool) -> None:
    """All values of the recipe in use, and which of them the command line has. `given`: its options."""
    name, recipe = options.backbone, asdict(RECIPES[options.backbone])
    values = {key: value for key, value in asdict(options).items() if key in recipe}
    origin = f"the options of the run in {options.out}" if resumed else f"the recipe of {name}"
    if not resumed and name not in MEASURED:
        origin += ", which was not measured"
    console.print(f"{name}, by {origin}:", highlight=False, soft_wrap=True)
    console.print(f"  {as_options(values)}", highlight=False, soft_wrap=True)
    if changed := {key: value for key, value in values.items() if key in given}:
        console.print(f"  of these given: {as_options(changed)}", highlight=False, soft_wrap=True)


class StepBar:
    """A progress bar of the steps of one run; without a terminal, one line per validation."""

    def __init__(self, bar: Progress, options: "Options", what: str) -> None:
        self._bar, self._options, self._what = bar, options, what
        self._task = bar.add_task(what, total=options.steps)
        self._first: tuple[int, float] | None = None

    def __call__(self, step: int, figures: dict[str, float]) -> None:
        """Called after each step with its figures and those of the last validation."""
        now = time.perf_counter()
        since, start = self._first = self._first or (step, now)
        text = f"{self._what}: loss {figures['loss']:.3f}"
        if "fnir" in figures:
            text += f"  FNIR {figures['fnir']:.3f}/{figures['fnir_quarter']:.3f}"
        if step > since:
            text += f"  {(now - start) / (step - since):.2f} s/step"
        self._bar.update(self._task, completed=step, description=text)
        if not console.is_terminal and (step - 1) % self._options.evaluate_every == 0:
            console.print(f"step {step} of {self._options.steps}: {text}", highlight=False, soft_wrap=True)


def figures_of(outcome: "Outcome") -> dict[str, Any]:
    return {
        "best": asdict(outcome.best),
        "first": asdict(outcome.entries[0]),
        "stopped_early": outcome.stopped_early,
        "seconds": round(outcome.seconds, 1),
    }


def print_run(options: "Options", outcome: "Outcome", card: Path) -> None:
    first, best = outcome.entries[0], outcome.best
    table = Table("", "Before", f"Step {best.step}")
    for what, name in (
        ("FNIR at FPIR 1 %", "fnir"),
        ("  a quarter of the pixels", "fnir_quarter"),
        ("rank-1", "rank1"),
    ):
        table.add_row(what, f"{getattr(first, name):.4f}", f"{getattr(best, name):.4f}")
    table.caption = f"On the people held out; {outcome.seconds:.0f} s of training"
    out.print(table)
    if not CardFile.model_validate_json(card.read_bytes()).score_at_fmr:
        console.print(
            "[yellow]too few faces are held out to measure what the scores mean[/]: the card needs"
            " score_at_fmr before the model can be served (see docs/how-to/train.md)",
            highlight=False,
        )
    out.print(f"Card: {card}; history: {options.out / 'curves.png'}", highlight=False, soft_wrap=True)
    out.print(
        f"Serve it: GEMEL_MODEL=safetensors:{card.with_suffix('.safetensors')}. Move a gallery to it:"
        f" gemel reindex start --to safetensors:{card.with_suffix('.safetensors')}",
        highlight=False,
        soft_wrap=True,
    )


def print_sweep(rows: "list[Row]", folder: Path) -> None:
    table = Table("Margin", "FNIR at FPIR 1 %", "A quarter of the pixels", "Rank-1", "Best step", "Seconds")
    best = min(rows, key=lambda row: row.fnir + row.fnir_quarter)
    for row in rows:
        table.add_row(
            f"{row.margin:g}",
            f"{row.fnir:.4f}",
            f"{row.fnir_quarter:.4f}",
            f"{row.rank1:.4f}",
            str(row.best_step),
            f"{row.seconds:.0f}",
            style="bold" if row is best else "",
        )
    out.print(table)
    out.print(f"{folder / 'sweep.csv'}, {folder / 'sweep.png'}", highlight=False, soft_wrap=True)
