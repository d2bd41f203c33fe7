"""One run per margin: the contrastive loss is sensitive to the margin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from indexer.pages.plots import CURVE, POINT, new_plot
from indexer.training.data.faces import Faces
from indexer.training.options import Options
from indexer.training.run.folder import LAST
from indexer.training.train import Outcome, train


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    margin: float
    best_step: int
    fnir: float
    fnir_quarter: float
    rank1: float
    genuine: float
    """Mean distance of pairs of one person, at the best step."""
    impostor: float
    seconds: float


def sweep(
    options: Options,
    margins: Sequence[float],
    training: Faces,
    validation: Faces,
    on_step: Callable[[float, int, dict[str, float]], object] = lambda *_: None,
) -> list[Row]:
    """Each margin once, in its own folder below `options.out`. An interrupted run is resumed.

    `on_step` is called with the margin and the arguments of `train`'s. Raises as `train` does.
    """
    rows = []
    for margin in dict.fromkeys(margins):
        one = replace(options, margin=margin, out=options.out / f"margin-{margin}")
        one.check()
        one.out.mkdir(parents=True, exist_ok=True)
        outcome = train(
            one,
            training,
            validation,
            resume=(one.out / LAST).exists(),
            on_step=partial(on_step, margin),
        )
        rows.append(_row(margin, outcome))
    return rows


def draw(rows: Sequence[Row], title: str, path: Path) -> None:
    """FNIR over the margin. Raises Misconfigured without Matplotlib, OSError."""
    figure, axes = new_plot("The margin of the contrastive loss", title)
    margins = [row.margin for row in rows]
    axes.plot(margins, [row.fnir for row in rows], "o-", color=CURVE, label="clean")
    axes.plot(margins, [row.fnir_quarter for row in rows], "o-", color=POINT, label="a quarter of the pixels")
    axes.set(xlabel="margin m", ylabel="FNIR at FPIR 1 %")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    figure.savefig(path, format="png")


def _row(margin: float, outcome: Outcome) -> Row:
    best = outcome.best
    return Row(
        margin=margin,
        best_step=best.step,
        fnir=best.fnir,
        fnir_quarter=best.fnir_quarter,
        rank1=best.rank1,
        genuine=best.genuine,
        impostor=best.impostor,
        seconds=outcome.seconds,
    )
