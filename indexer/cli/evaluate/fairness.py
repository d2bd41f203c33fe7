"""`gemel evaluate fairness`."""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.cli.evaluate.options import DataOption, HtmlOption, ModelOption
from indexer.errors import InvalidRequest
from indexer.evaluation import lfw
from indexer.evaluation.fairness import rates
from indexer.evaluation.fairness.labels import Labels, read_csv, read_lists
from indexer.evaluation.fairness.report import report
from indexer.evaluation.provenance import here
from indexer.pipeline.embed_files import embed_with

LISTS = {"female": "female_names.txt", "male": "male_names.txt"}

LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE.csv",
        help="A CSV file with the columns file and group;"
        " default: male_names.txt and female_names.txt in DIR.",
    ),
]
FmrOption = Annotated[
    float,
    typer.Option(
        "--fmr", min=0, max=1, help="The false match rate over all labelled pairs that sets the threshold."
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option("--threshold", min=-1, max=1, help="The threshold itself, a cosine, in place of --fmr."),
]


def fairness(
    data: DataOption,
    model: ModelOption = None,
    labels: LabelsOption = None,
    fmr: FmrOption = 0.001,
    threshold: ThresholdOption = None,
    json_file: Json = None,
    html_file: HtmlOption = None,
) -> None:
    """Error rates by group of people at one threshold, and the ratio of the worst group to the best.

    Example: `gemel evaluate fairness --data lfw --labels labels.csv --html fairness.html`
    """
    files, people, groups, unlabelled = _labelled(data, _labels(data, labels))
    start = time.perf_counter()
    with pipelines(model) as opened, progress(len(files)) as advance:
        embedded = embed_with(opened, files, advance)
        models = [pipeline.card.fingerprint for pipeline in opened]
    results = []
    for fingerprint, embeddings in zip(models, embedded, strict=True):
        vectors, found = embeddings.vectors, embeddings.found
        limit = threshold
        if limit is None:
            limit = rates.threshold_at(vectors, found, people, fmr)
        result = rates.measure(
            vectors,
            found,
            people,
            groups,
            threshold=limit,
            threshold_fmr=fmr if threshold is None else None,
            seconds=time.perf_counter() - start,
            model=fingerprint,
        )
        results.append(result)
    made = here("gemel evaluate fairness")
    description = f"{data.name}: {len(files):,} labelled images of {len(np.unique(people)):,} people"
    in_several = len(set(zip(people.tolist(), groups, strict=True))) - len(np.unique(people))
    counts = {"unlabelled": unlabelled, "in_several": in_several}
    page = report(made, description, results, **counts)
    publish(page, made, results, json_file, html_file, data=description, **counts)


def _labels(data: Path, given: Path | None) -> Labels:
    if given is not None:
        return read_csv(given)
    lists = {group: data / name for group, name in LISTS.items()}
    if not all(path.is_file() for path in lists.values()):
        raise InvalidRequest(f"{data} has no {' and '.join(LISTS.values())}: give a CSV file with --labels")
    return read_lists(lists)


def _labelled(data: Path, labels: Labels) -> tuple[list[Path], np.ndarray, list[str], int]:
    """The labelled files, their people and groups, and the number of files without a label."""
    files, people, groups, unlabelled = [], [], [], 0
    for number, person in enumerate(lfw.read_people(data)):
        for image in person.images:
            group = labels.of(image, data)
            if group is None:
                unlabelled += 1
            else:
                files.append(image)
                people.append(number)
                groups.append(group)
    if not files:
        raise InvalidRequest("no image has a label")
    return files, np.array(people, np.int64), groups, unlabelled
