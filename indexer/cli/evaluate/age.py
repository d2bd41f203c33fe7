"""`gemel evaluate age`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from indexer.attributes.reader import AttributeReader
from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.cli.evaluate.options import HtmlOption
from indexer.evaluation.attributes import age as ages
from indexer.evaluation.attributes import age_labels
from indexer.evaluation.attributes.age_report import report
from indexer.evaluation.provenance import here
from indexer.settings import Settings
from indexer.weights.store import WeightStore


def age(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="DIR",
            help="A folder with labels.csv: file, age in years (or decade, a group's number), and gender.",
        ),
    ],
    json_file: Json = None,
    html_file: HtmlOption = None,
) -> None:
    """Age and gender: mean absolute error in years, accuracy, by group; and how often it cannot tell.

    Example: `gemel evaluate age --data ages --html age.html`
    """
    labelled = age_labels.read(data)
    reader = AttributeReader(ages.REQUESTED, WeightStore.of(Settings()), threads=1)
    reader.check(ages.REQUESTED)
    with pipelines(None) as [pipeline], progress(len(labelled), doing="estimating") as advance:
        result = ages.measure(ages.answers(pipeline, reader, labelled, advance))
    made = here("gemel evaluate age")
    description = f"{data.name}: {len(labelled):,} pictures"
    publish(
        report(made, description, result),
        made,
        [],
        json_file,
        html_file,
        data=description,
        mae_years=result.all.mae_years,
        gender_accuracy=result.all.gender_accuracy,
        cannot_tell={name: sum(reasons.values()) for name, reasons in result.cannot_tell.items()},
        reasons=result.cannot_tell,
        all=asdict(result.all),
        groups={name: asdict(errors) for name, errors in result.groups.items()},
    )
