"""How often a picture counts as the movement `close_eyes` against another one of the same person, whose eyes
are open.

    python -m benchmarks.eyes.movement --lfw DIR

The pictures are photographs of different days: those of one burst differ less.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np

from benchmarks.eyes.faces import MeasuredFace, lfw_labels, measurer
from indexer.attributes.heads.eyes.head import MAX_CLOSED, MIN_CLOSED, log_odds, probability

RISES = (0.0, 2.0, 3.0, 4.0)
"""Of the log-odds."""
MOST_OF_ONE_PERSON = 10
RANDOM = "any"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lfw", type=Path, required=True)
    arguments = parser.parse_args()
    people = defaultdict(list)
    with measurer() as opened:
        for face in opened.faces(arguments.lfw, list(pictures(arguments.lfw))):
            people[face.person].append(face)
    pairs = defaultdict(list)
    for faces in people.values():
        for reference, face in permutations(faces, 2):
            pairs[reference.label, face.label].append((odds(reference), odds(face)))
    for (reference_label, label), values in sorted(pairs.items()):
        if reference_label != "closed":
            print(f"{reference_label}, then {label}, {len(values)} pairs: {shares(np.array(values))}")


def pictures(lfw: Path) -> Iterator[tuple[str, str]]:
    """The labelled ones, and up to ten others of each of their people."""
    known = lfw_labels()
    yield from known
    files = {file for file, _ in known}
    rng = np.random.default_rng(0)
    for person in sorted({file.partition("/")[0] for file in files}):
        own = sorted(f"{person}/{path.name}" for path in (lfw / person).glob("*.jpg"))
        others = rng.permutation([file for file in own if file not in files])
        yield from ((str(file), RANDOM) for file in others[:MOST_OF_ONE_PERSON])


def odds(face: MeasuredFace) -> float:
    opening, lid = face.measures
    return log_odds((opening, lid))


def shares(pairs: np.ndarray) -> str:
    """Of `pairs`, shape (n, 2): the log-odds of the reference, then of the other picture."""
    reference, other = np.vectorize(probability)(pairs).T
    is_open = reference <= MAX_CLOSED
    rises = pairs[:, 1] - pairs[:, 0]
    counted = ", ".join(
        f"{((other >= MIN_CLOSED) & is_open & (rises >= rise)).sum() / max(is_open.sum(), 1):.4f}"
        f" with a rise of {rise:g}"
        for rise in RISES
    )
    return f"reference not open {1 - is_open.mean():.3f}; of the others {counted}"


if __name__ == "__main__":
    main()
