"""`gemel evaluate expression`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from indexer.attributes.heads.expression import ExpressionHead
from indexer.attributes.heads.trained_expression import read_trained
from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.cli.evaluate.options import HtmlOption
from indexer.evaluation.attributes.expression import outcomes
from indexer.evaluation.attributes.expression.data import counts, read_expressions
from indexer.evaluation.attributes.expression.rates import measure
from indexer.evaluation.attributes.expression.report import report
from indexer.evaluation.provenance import here
from indexer.settings import Settings
from indexer.weights.locate import read_verified
from indexer.weights.published import EXPRESSION
from indexer.weights.store import WeightStore

EXAMPLES = 4
"""Right and wrong ones of each expression on the page."""

DataOption = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="DIR",
        help="A folder with a folder for each expression, such as anger/S010_004_00000017.png. The part"
        " of a file's name before the first _ is the person.",
    ),
]


HeadOption = Annotated[
    Path | None,
    typer.Option(
        "--head",
        metavar="CARD.json",
        help="A head that `gemel train --task expression` made, in place of the published one. On people"
        " whom it was trained on, its figures are too good.",
    ),
]


def expression(
    data: DataOption, head: HeadOption = None, json_file: Json = None, html_file: HtmlOption = None
) -> None:
    """Expressions: accuracy, confusion, and how often the head cannot tell.

    Every picture counts: one without a face or a value, or of an expression that the network does not know
    (contempt), is a wrong answer.

    Example: `gemel evaluate expression --data expressions --html expression.html`
    """
    pictures = read_expressions(data)
    start = time.perf_counter()
    trained = None if head is None else read_trained(head)
    weights = read_verified(EXPRESSION, WeightStore.of(Settings()))
    opened = ExpressionHead(weights, threads=1, trained=trained)
    with pipelines(None) as [pipeline], progress(len(pictures), doing="estimating") as advance:
        answers = outcomes.collect(pipeline, opened, pictures, advance)
        shown = outcomes.examples(pipeline, answers, each=EXAMPLES) if html_file else []
    model = EXPRESSION.name
    if head is not None and trained is not None:
        model += f" with {head.stem}, trained on {trained.card.trained_on}"
    result = measure(answers, opened.expressions, seconds=time.perf_counter() - start, model=model)
    made = here("gemel evaluate expression")
    numbers = ", ".join(f"{number:,} {name}" for name, number in counts(pictures).items())
    description = f"{data.name}: {numbers}"
    page = report(made, description, result, shown)
    publish(
        page,
        made,
        [result],
        json_file,
        html_file,
        data=description,
        accuracy=result.accuracy,
        accuracy_interval=result.accuracy_interval,
        cannot_tell=result.cannot_tell,
        no_face=result.no_face,
        confusion=result.confusion,
    )
