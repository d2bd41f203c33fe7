"""`gemel evaluate attribute`."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from indexer.attributes.reader import AttributeReader
from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.cli.evaluate.options import HtmlOption
from indexer.evaluation.attributes import category
from indexer.evaluation.attributes.category_report import report
from indexer.evaluation.attributes.category_values import check_attribute, check_labels
from indexer.evaluation.provenance import here
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.weights.store import WeightStore


def attribute(
    name: Annotated[
        Attribute, typer.Argument(metavar="NAME", help="mask, glasses, occlusion, eyes, pose, gender.")
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="DIR",
            help="A folder with a folder for each value, such as sunglasses/1.jpg; `none` for an empty list,"
            " and several values joined by +. The part of a file's name before the first _ is the person.",
        ),
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FILE.csv",
            help="Instead of folders: a CSV file with the columns file (its path in DIR) and label.",
        ),
    ] = None,
    json_file: Json = None,
    html_file: HtmlOption = None,
) -> None:
    """An attribute with categories: accuracy, confusion, calibration, and how often it cannot tell.

    Every picture counts: one without a face or without a value is a wrong answer.

    Example: `gemel evaluate attribute mask --data masks --html mask.html`
    """
    check_attribute(name)
    pictures = category.read(data, labels)
    check_labels(name, pictures)
    reader = AttributeReader(tuple(Attribute), WeightStore.of(Settings()), threads=1)
    reader.check({name})
    with pipelines(None) as [pipeline], progress(len(pictures), doing="estimating") as advance:
        result = category.measure(name, category.collect(pipeline, reader, name, pictures, advance))
    made = here("gemel evaluate attribute")
    numbers = Counter(picture.label for picture in pictures)
    description = f"{data.name}: {', '.join(f'{numbers[each]:,} {each}' for each in sorted(numbers))}"
    publish(
        report(made, description, result), made, [], json_file, html_file, data=description, **asdict(result)
    )
