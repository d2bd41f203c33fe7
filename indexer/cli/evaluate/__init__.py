"""`gemel evaluate ...`: measures models on labelled photographs. Needs no database."""

from indexer.cli.commands import Commands
from indexer.cli.evaluate.fairness import fairness
from indexer.cli.evaluate.lfw import lfw_pairs
from indexer.cli.evaluate.openset import openset
from indexer.cli.evaluate.robustness import robustness
from indexer.cli.evaluate.speed import speed

app = Commands("Measure models on labelled photographs, through the pipeline that serves.")
app.command("lfw")(lfw_pairs)
for command in (openset, robustness, fairness, speed):
    app.command()(command)
