"""One run per margin, side by side."""

from dataclasses import replace

from indexer.training.data.faces import Faces
from indexer.training.options import Options
from indexer.training.run import history
from indexer.training.sweep import draw, sweep


def test_each_margin_has_a_row_and_a_finished_run_is_not_repeated(
    options: Options, sides: tuple[Faces, Faces]
) -> None:
    steps: list[tuple[float, int]] = []
    options = replace(options, steps=2)

    rows = sweep(options, [0.5, 1.0], *sides, on_step=lambda margin, step, _: steps.append((margin, step)))
    again = sweep(
        options, [0.5, 0.5, 1.0], *sides, on_step=lambda margin, step, _: steps.append((margin, step))
    )
    history.write(rows, options.out / "sweep.csv")
    draw(rows, "two margins", options.out / "sweep.png")

    assert steps == [(0.5, 1), (0.5, 2), (1.0, 1), (1.0, 2)]
    assert again == rows, "nothing is made twice, and the seconds are those that it took"
    assert (options.out / "sweep.csv").read_text().count("\n") == 3
    assert (options.out / "sweep.png").stat().st_size > 10_000
