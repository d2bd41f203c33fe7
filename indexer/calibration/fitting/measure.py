"""Calibrates a model: on a gallery's own people, on photographs of people, or on scores of pairs."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np

from indexer.calibration.fitting import fit as fitting
from indexer.calibration.fitting import suspects
from indexer.calibration.fitting.impostors import collect
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.embedding.card import ModelCard
from indexer.errors import InvalidRequest
from indexer.pipeline.embed_files import embed_files
from indexer.pipeline.people_folder import Person
from indexer.pipeline.pipeline import Pipeline
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.faces import as_vector
from indexer.types import Vectors

MAX_SUSPECTS = 100
"""Suspected pairs that are reported, those with the highest scores first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Two names that seem to be one person."""

    one: str
    other: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """The result of a calibration."""

    curve: MeasuredCurve
    suspects: list[Suspect]


def on_gallery(database: Database, gallery_id: UUID, model_id: int, card: ModelCard) -> Measurement:
    """Compares each enrolled person with all others. Memory: the gallery's vectors by one model.

    Raises CalibrationUnsupported if too few people are enrolled.
    """
    vectors, owners = [], []
    with database.repeatable_read() as session:
        for batch in reindexes.embeddings(session, gallery_id, [model_id], 10_000):
            for _, identity, (vector,) in batch:
                if vector is not None:
                    vectors.append(as_vector(vector))
                    owners.append(str(identity))
    fitting.check_people(len(set(owners)))
    return _measure(np.stack(vectors), owners, card)


def on_photographs(
    pipeline: Pipeline, people: Sequence[Person], progress: Callable[[int], object] | None = None
) -> Measurement:
    """Uses the first photograph of each person. For galleries with several faces a person, the thresholds are
    then rather too high. Raises CalibrationUnsupported."""
    fitting.check_people(len(people))
    embeddings = embed_files(pipeline, [person.images[0] for person in people], progress)
    fitting.check_people(int(embeddings.found.sum()))
    names = [person.folder for person, found in zip(people, embeddings.found, strict=True) if found]
    return _measure(embeddings.vectors[embeddings.found], names, pipeline.card)


def on_pairs(path: Path) -> Measurement:
    """`path`: a CSV with the columns `score` and `same` (0 or 1). Genuine pairs are ignored.

    Raises InvalidRequest, CalibrationUnsupported.
    """
    scores = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                score, same = float(row["score"]), row["same"].strip().lower()
                if same not in ("0", "1", "false", "true") or not -1 <= score <= 1:
                    raise InvalidRequest(
                        f"{path}, line {line}: expected a score from -1 to 1, and 0 or 1", line=line
                    )
                if same in ("0", "false"):
                    scores.append(score)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidRequest(f"{path} is not a CSV file with the columns score and same: {error}") from error
    return Measurement(curve=fitting.fit_pairs(np.array(scores)), suspects=[])


def _measure(vectors: Vectors, owners: Sequence[str], card: ModelCard) -> Measurement:
    names, people = np.unique(owners, return_inverse=True)
    impostors = collect(vectors, people.astype(np.int64))
    twice = suspects.find(impostors, card.genuine_scores[len(card.genuine_scores) // 2])
    pairs: dict[tuple[str, str], float] = {}
    for place in np.flatnonzero(twice):
        one, other = sorted((int(impostors.probes[impostors.probe[place]]), int(impostors.other[place])))
        key = (str(names[one]), str(names[other]))
        pairs[key] = max(float(impostors.scores[place]), pairs.get(key, -1.0))
    ranked = sorted(pairs.items(), key=lambda pair: -pair[1])[:MAX_SUSPECTS]
    return Measurement(
        curve=fitting.fit(impostors, suspected=twice),
        suspects=[Suspect(one=one, other=other, score=score) for (one, other), score in ranked],
    )
