"""Identities of the training data that overlap with people whom the model is measured on.

Two data sets may have the same person under two names, or under numbers. An identity overlaps if it has the
same name, or a face that a published model finds similar. It is better to exclude some strangers than to
train on one person of the test set.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.training.data.faces import Faces
from indexer.types import Vectors

_BLOCK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """An identity of the training data that may be one of the other people."""

    identity: str
    resembles: Path
    """The most similar photograph of the other people, or one of the person with the same name."""
    score: float
    same_name: bool


def find_overlaps(
    faces: Faces, vectors: Vectors, others: Faces, other_vectors: Vectors, *, score: float
) -> list[Overlap]:
    """Identities of `faces` with a face that scores at least `score` with one of `others`, or with the name
    of one of them; the highest score first. Both vectors have the shape (faces, dimension) and the same
    model."""
    named = {_normalised(sample.identity): sample.file for sample in others.samples}
    best: dict[str, tuple[float, Path]] = {}
    for start in range(0, len(faces), _BLOCK):
        scores = vectors[start : start + _BLOCK] @ other_vectors.T
        nearest = scores.argmax(axis=1)
        for row, place in enumerate(nearest):
            identity = faces.samples[start + row].identity
            found = (float(scores[row, place]), others.samples[place].file)
            best[identity] = max(best.get(identity, (-2.0, found[1])), found)
    overlaps = [
        Overlap(
            identity=identity,
            resembles=named.get(_normalised(identity), file),
            score=best_score,
            same_name=_normalised(identity) in named,
        )
        for identity, (best_score, file) in best.items()
        if best_score >= score or _normalised(identity) in named
    ]
    return sorted(overlaps, key=lambda one: -one.score)


def write(overlaps: Sequence[Overlap], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["identity", "resembles", "score", "same_name"])
        table.writerows([one.identity, one.resembles, f"{one.score:.4f}", one.same_name] for one in overlaps)


def _normalised(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
