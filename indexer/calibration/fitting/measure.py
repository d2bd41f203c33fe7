"""Calibrates a model: on a gallery's own people, on photographs of people, or on scores of pairs."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.fitting import fit as fitting
from indexer.calibration.fitting import mated, suspects
from indexer.calibration.fitting.impostors import collect
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.embedding.card import ModelCard
from indexer.errors import InvalidRequest
from indexer.pipeline.embed_files import embed_files
from indexer.pipeline.people_folder import Person
from indexer.pipeline.pipeline import Pipeline
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.enrolled.faces import as_vector
from indexer.records.enrolled.owners import Owner, find_owners
from indexer.records.enrolled.parts import contents
from indexer.types import Part, PersonScore, Vectors

MAX_SUSPECTS = 100
"""Suspected pairs that are reported, those with the highest scores first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectedFace:
    """One side of a pair that seems to be one person: of a gallery, or a photograph."""

    identity: str
    """Its id in the gallery, or the folder of the photographs."""
    face: str
    """Its id in the gallery, or the file."""
    external_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Two identities that seem to be one person, by their most similar faces."""

    one: SuspectedFace
    other: SuspectedFace
    score: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """The result of a calibration."""

    curve: MeasuredCurve
    suspects: list[Suspect]


def on_gallery(
    database: Database,
    gallery_id: UUID,
    model_id: int,
    card: ModelCard,
    person_score: PersonScore,
    part: Part | None = None,
) -> Measurement:
    """Compares each enrolled person with all others. Memory: the vectors by one model of the gallery or the
    part.

    `person_score`: the gallery's, by which its searches score people with several faces. `part`: compares
    only its people, as a sample of a gallery that does not fit into memory. The curve is for a gallery of any
    size.

    Raises CalibrationUnsupported if too few people are enrolled.
    """
    vectors: list[Vectors] = []
    keys: list[int] = []
    owners: list[str] = []
    with database.repeatable_read() as session:
        if part is not None:
            for rows, _ in contents.read(session, gallery_id, card.fingerprint, part):
                if rows is not None:
                    of_face = rows[2] > 0  # and not of a person template
                    vectors.extend(rows[1][of_face])
                    keys.extend(rows[0][of_face].tolist())
                    owners.extend(map(str, rows[2][of_face]))
        else:
            for batch in reindexes.embeddings(session, gallery_id, [model_id], 10_000):
                for key, identity, (vector,) in batch:
                    if vector is not None:
                        vectors.append(as_vector(vector))
                        keys.append(key)
                        owners.append(str(identity))
    fitting.check_people(len(set(owners)))
    curve, pairs = _measure(np.stack(vectors), owners, card, person_score)
    with database.reading() as session:
        found = find_owners(session, gallery_id, {keys[row] for pair in pairs for row in pair.rows})
    sides = {row: _enrolled(found[key]) for row, key in enumerate(keys) if key in found}
    return Measurement(curve=curve, suspects=_suspects(pairs, sides))


def on_photographs(
    pipeline: Pipeline, people: Sequence[Person], progress: Callable[[int], object] | None = None
) -> Measurement:
    """Uses the first photograph of each person. For galleries with several faces a person, the thresholds are
    then rather too high. Raises CalibrationUnsupported."""
    fitting.check_people(len(people))
    embeddings = embed_files(pipeline, [person.images[0] for person in people], progress)
    fitting.check_people(int(embeddings.found.sum()))
    measured = [person for person, found in zip(people, embeddings.found, strict=True) if found]
    curve, pairs = _measure(
        embeddings.vectors[embeddings.found], [person.folder for person in measured], pipeline.card
    )
    sides = {
        row: SuspectedFace(identity=person.folder, face=str(person.images[0]))
        for row, person in enumerate(measured)
    }
    return Measurement(curve=curve, suspects=_suspects(pairs, sides))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    rows: tuple[int, int]
    """Of the two most similar faces, as rows of the vectors."""
    score: float


def _measure(
    vectors: Vectors,
    owners: Sequence[str],
    card: ModelCard,
    person_score: PersonScore = PersonScore.NEAREST,
) -> tuple[MeasuredCurve, list[_Pair]]:
    """The curve, and the suspected pairs: at most MAX_SUSPECTS, those with the highest scores first."""
    _, people = np.unique(owners, return_inverse=True)
    impostors = collect(vectors, people.astype(np.int64), person_score)
    twice = suspects.find(impostors, card.genuine_scores[len(card.genuine_scores) // 2])
    ones, others = impostors.probes[impostors.probe[twice]], impostors.other[twice]
    by_score = sorted(zip(-impostors.scores[twice], ones, others, strict=True))
    listed = list(dict.fromkeys((min(one, other), max(one, other)) for _, one, other in by_score))
    pairs = [
        _nearest(vectors, *(np.flatnonzero(people == side) for side in pair))
        for pair in listed[:MAX_SUSPECTS]
    ]
    curve = fitting.fit(impostors, suspected=twice)
    curve = replace(curve, mated=mated.collect(vectors, people.astype(np.int64), person_score))
    return curve, sorted(pairs, key=lambda pair: -pair.score)


def _nearest(vectors: Vectors, one: NDArray[np.int64], other: NDArray[np.int64]) -> _Pair:
    scores = vectors[one] @ vectors[other].T
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    return _Pair(rows=(int(one[row]), int(other[column])), score=float(scores[row, column]))


def _suspects(pairs: Sequence[_Pair], sides: Mapping[int, SuspectedFace]) -> list[Suspect]:
    """`sides`: by row; those of faces that were deleted meanwhile are missing."""
    return [
        Suspect(one=sides[pair.rows[0]], other=sides[pair.rows[1]], score=pair.score)
        for pair in pairs
        if sides.keys() >= set(pair.rows)
    ]


def _enrolled(owner: Owner) -> SuspectedFace:
    return SuspectedFace(
        identity=str(owner.identity_id),
        face=str(owner.face_id),
        external_id=owner.external_id,
        name=owner.name,
    )
