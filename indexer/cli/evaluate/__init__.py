"""`gemel evaluate ...`: measures models on labelled photographs. Needs no database."""

import typer

from indexer.cli.evaluate.fairness import fairness
from indexer.cli.evaluate.openset import openset
from indexer.cli.evaluate.pairs import lfw_pairs
from indexer.cli.evaluate.robustness import robustness
from indexer.cli.evaluate.speed import speed

app = typer.Typer(
    help="Measure models on labelled photographs, through the camera that serves.",
    no_args_is_help=True,
)
app.command("lfw")(lfw_pairs)
for command in (openset, robustness, fairness, speed):
    app.command()(command)
