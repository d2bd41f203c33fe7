"""The commands of `gemel evaluate`."""

from indexer.cli.commands import Commands
from indexer.cli.evaluate.age import age
from indexer.cli.evaluate.attribute import attribute
from indexer.cli.evaluate.expression import expression
from indexer.cli.evaluate.fairness import fairness
from indexer.cli.evaluate.lfw import lfw
from indexer.cli.evaluate.liveness import liveness
from indexer.cli.evaluate.openset import openset
from indexer.cli.evaluate.robustness import robustness
from indexer.cli.evaluate.speed import speed

app = Commands()
for command in (lfw, openset, robustness, fairness, liveness, expression, age, attribute, speed):
    app.command()(command)
