"""People who must not be trained on, because what comes out is to be measured on them.

Two collections may show one person under two names, or under numbers. Whoever is called the same, or has a
face that a published model takes for one of theirs, is left out of the training: a few strangers too many
rather than one acquaintance.
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
    """An identity of the training data that may be one of the people apart."""

    identity: str
    resembles: Path
    """The photograph of theirs that comes nearest, or one of the person of that name."""
    score: float
    same_name: bool


def find_overlaps(
    faces: Faces, vectors: Vectors, apart: Faces, apart_vectors: Vectors, *, score: float
) -> list[Overlap]:
    """Identities of `faces` of which a face scores at least `score` with one of `apart`, or whose name is one
    of theirs; the most alike first. Vectors of shape (faces, dimension), of one model."""
    named = {_spelled(sample.identity): sample.file for sample in apart.samples}
    best: dict[str, tuple[float, Path]] = {}
    for start in range(0, len(faces), _BLOCK):
        scores = vectors[start : start + _BLOCK] @ apart_vectors.T
        nearest = scores.argmax(axis=1)
        for row, place in enumerate(nearest):
            identity = faces.samples[start + row].identity
            found = (float(scores[row, place]), apart.samples[place].file)
            best[identity] = max(best.get(identity, (-2.0, found[1])), found)
    known = [
        Overlap(
            identity=identity,
            resembles=named.get(_spelled(identity), file),
            score=reached,
            same_name=_spelled(identity) in named,
        )
        for identity, (reached, file) in best.items()
        if reached >= score or _spelled(identity) in named
    ]
    return sorted(known, key=lambda one: -one.score)


def write(known: Sequence[Overlap], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["identity", "resembles", "score", "same_name"])
        table.writerows([k.identity, k.resembles, f"{k.score:.4f}", k.same_name] for k in known)


def _spelled(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
