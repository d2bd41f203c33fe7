"""`gemel evaluate liveness --bursts`."""

from pathlib import Path

from indexer.attributes.heads.liveness.decision import THRESHOLD
from indexer.attributes.reader import AttributeReader
from indexer.calibration.active import of_card
from indexer.calibration.threshold.decision import decide_pair
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.evaluation.attributes.liveness.burst_report import burst_report
from indexer.evaluation.attributes.liveness.bursts import FIRST, MEAN, VERDICT, ask_bursts, read_bursts
from indexer.evaluation.attributes.liveness.rates import measure
from indexer.evaluation.provenance import here
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.weights.store import WeightStore


def evaluate_bursts(
    data: Path, frames: int, spacing: int, synthetic: bool, json_file: Path | None, html_file: Path | None
) -> None:
    """The options of `gemel evaluate liveness`. Raises InvalidRequest, AttributeUnavailable."""
    settings = Settings()
    reader = AttributeReader([Attribute.LIVENESS], WeightStore.of(settings), threads=1)
    bursts = read_bursts(data, frames=frames, spacing=spacing, synthetic=synthetic)
    with pipelines(None) as [pipeline]:
        same_person = decide_pair(of_card(pipeline.card), settings.verify_fmr).threshold
        with progress(len(bursts), unit="bursts", doing="judging") as advance:
            answers = ask_bursts(pipeline, reader, bursts, same_person, advance)
    results = [measure(answers, detector, THRESHOLD) for detector in (VERDICT, MEAN, FIRST)]
    verdict = results[0]
    made = here("gemel evaluate liveness --bursts")
    publish(
        burst_report(made, data.name, results, answers),
        made,
        results,
        json_file,
        html_file,
        data=data.name,
        frames=frames,
        spacing=spacing,
        bpcer=verdict.bpcer,
        apcer=verdict.apcer,
        acer=verdict.acer,
        cannot_tell=verdict.cannot_tell,
    )
