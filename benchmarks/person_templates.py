"""A search for people with three faces and a template, beside one for the same faces without templates.

    python -m benchmarks.person_templates --people 250000 --tier exact

Both are searched in turn, for people of the gallery and for strangers. CPU time and wall time are medians.
"""

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks import face_vectors
from indexer.index.build import AddBatch, RecallRequirement, build
from indexer.index.searcher import CHUNK, FaissSearcher
from indexer.mean_template import mean_templates
from indexer.types import Owners, Tier, Vectors

FACES = 3
COSINE = 0.81
"""Of a face with its person's direction: two faces then have the median cosine of SFace's genuine pairs."""
_REQUIREMENT = RecallRequirement(genuine_cosines=[0.3, 0.66, 0.9], threshold=0.4, min_recall=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=250_000)
    parser.add_argument("--tier", type=Tier, default=Tier.EXACT, choices=[Tier.EXACT, Tier.COMPACT])
    parser.add_argument("--candidates", type=int, default=5)
    parser.add_argument("--searches", type=int, default=120)
    options = parser.parse_args()
    directions = face_vectors.gallery(options.people, 1)
    faces = np.stack([_faces(directions, 10 + number) for number in range(FACES)], axis=1)
    faces = faces.reshape(options.people * FACES, -1)
    owners = np.repeat(np.arange(1, options.people + 1), FACES)
    templates, _ = mean_templates(faces, np.arange(0, len(faces), FACES))
    after_last = np.arange(FACES, len(faces) + 1, FACES)
    searchers = {
        "without": _searcher(options.tier, faces, owners),
        "with": _searcher(
            options.tier,
            np.insert(faces, after_last, templates, axis=0),
            np.insert(owners, after_last, -owners[::FACES]),
        ),
    }
    mated = np.random.default_rng(0).integers(options.people, size=options.searches // 2)
    probes = np.concatenate(
        [_faces(directions[mated], 99), face_vectors.gallery(options.searches - len(mated), 777)]
    )
    milliseconds: dict[str, list[tuple[float, float]]] = {name: [] for name in searchers}
    for probe in range(len(probes)):
        for name, searcher in searchers.items():
            cpu, wall = time.process_time(), time.perf_counter()
            searcher.search_identities(probes[probe : probe + 1], options.candidates)
            milliseconds[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    for name, searcher in searchers.items():
        cpu, wall = 1e3 * np.median(milliseconds[name], axis=0)
        print(
            f"{name} templates: {searcher.count:,} rows, {searcher.tier},"
            f" {searcher.memory_bytes / 1e6:.0f} MB, {cpu:.2f} ms of CPU, {wall:.2f} ms"
        )


def _faces(directions: Vectors, seed: int) -> Vectors:
    """One face of each person."""
    across = face_vectors.gallery(len(directions), seed)
    across = across - np.einsum("nd,nd->n", across, directions)[:, np.newaxis] * directions
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    faces: Vectors = (COSINE * directions + np.sqrt(1 - COSINE**2) * across).astype(np.float32)
    return faces


def _searcher(tier: Tier, vectors: Vectors, owners: Owners) -> FaissSearcher:
    keys: NDArray[np.int64] = np.arange(len(vectors))

    def feed(take: AddBatch) -> None:
        for start in range(0, len(vectors), CHUNK):
            part = slice(start, start + CHUNK)
            take(keys[part], vectors[part], owners[part])

    return build(tier, vectors.shape[1], feed, _REQUIREMENT).searcher


if __name__ == "__main__":
    main()
