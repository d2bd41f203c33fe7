"""`gemel evaluate liveness`."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.attributes.heads.liveness.decision import THRESHOLD
from indexer.attributes.reader import AttributeReader
from indexer.cli.commands import Json
from indexer.cli.evaluate.liveness_bursts import evaluate_bursts
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.cli.evaluate.options import HtmlOption
from indexer.errors import InvalidRequest
from indexer.evaluation.attributes.liveness.answers import ask
from indexer.evaluation.attributes.liveness.bursts import DEFAULT_FRAMES, DEFAULT_SPACING
from indexer.evaluation.attributes.liveness.presentations import read_presentations
from indexer.evaluation.attributes.liveness.rates import measure
from indexer.evaluation.attributes.liveness.report import report, worst
from indexer.evaluation.attributes.liveness.sheet import tiles
from indexer.evaluation.provenance import here
from indexer.liveness.burst import MAX_FRAMES, MIN_FRAMES
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.weights.store import WeightStore

_SHEET = 18

DataOption = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="DIR",
        help="A folder with pictures of people in `real/`, and of attacks in `fake/`, whose folders are kinds"
        " of attack.",
    ),
]
SyntheticOption = Annotated[
    bool,
    typer.Option("--synthetic", help="Add prints and screens that are computed from the pictures of people."),
]
ThresholdOption = Annotated[
    float,
    typer.Option(
        min=0.0, max=1.0, help="Lowest probability of a person: a face below it counts as an attack."
    ),
]
BurstsOption = Annotated[
    bool,
    typer.Option(
        "--bursts",
        help="Judge bursts of frames instead of single pictures: each folder in `real/` and `fake/KIND/` is"
        " one, or is cut into several.",
    ),
]
FramesOption = Annotated[
    int,
    typer.Option(
        "--frames",
        min=MIN_FRAMES,
        max=MAX_FRAMES,
        help="Number of frames of each burst that is cut from a folder with more than 10.",
    ),
]
SpacingOption = Annotated[
    int,
    typer.Option(
        "--spacing",
        min=1,
        help="Distance of the frames of such a burst in their folder: 6 takes every sixth.",
    ),
]


def liveness(
    data: DataOption,
    synthetic: SyntheticOption = False,
    threshold: ThresholdOption = THRESHOLD,
    bursts: BurstsOption = False,
    frames: FramesOption = DEFAULT_FRAMES,
    spacing: SpacingOption = DEFAULT_SPACING,
    json_file: Json = None,
    html_file: HtmlOption = None,
) -> None:
    """Presentation attack detection: APCER by kind of attack, BPCER and ACER (ISO/IEC 30107-3).

    Example: `gemel evaluate liveness --data presentations --synthetic --html liveness.html`
    """
    if bursts:
        if threshold != THRESHOLD:
            raise InvalidRequest("--threshold is for single pictures")
        evaluate_bursts(data, frames, spacing, synthetic, json_file, html_file)
        return
    reader = AttributeReader([Attribute.LIVENESS], WeightStore.of(Settings()), threads=1)
    presentations = read_presentations(data, synthetic=synthetic)
    with pipelines(None) as [pipeline]:
        with progress(len(presentations), doing="detecting") as advance:
            answers = ask(pipeline, reader, presentations, advance)
        detectors = next((list(answer.scores) for answer in answers if answer.scores), ["live"])
        results = [measure(answers, detector, threshold) for detector in detectors]
        made = here("gemel evaluate liveness")
        sheets = [
            (
                title,
                tiles(
                    worst(answers, attacks=attacks, detector="live", most=_SHEET), pipeline.decoder, "live"
                ),
            )
            for title, attacks in (
                ("People who look most like attacks", False),
                ("Attacks that look most like people", True),
            )
            if html_file is not None
        ]
    head = results[0]
    publish(
        report(made, data.name, results, sheets),
        made,
        results,
        json_file,
        html_file,
        data=data.name,
        bpcer=head.bpcer,
        apcer=head.apcer,
        acer=head.acer,
        cannot_tell=head.cannot_tell,
        threshold=threshold,
    )
