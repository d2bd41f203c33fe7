"""How long a gallery's search against itself takes, and how many of the people who are in it twice it finds.

Vectors are distributed as SFace's embeddings of faces are. One person in a hundred is in the gallery a second
time, as far from the first as a second photograph is. With `--faces-each` above 1 each person has so many
faces, as close to each other, and a template. The index is built in memory, without PostgreSQL.

    python -m benchmarks.duplicate_pairs --people 1000000 --tier compact
"""

import argparse
import resource
import time

import numpy as np
from rich.progress import Progress

from benchmarks import face_vectors
from indexer.calibration.threshold.card_curve import for_fpir
from indexer.duplicates import pairs
from indexer.embedding.catalog import sface
from indexer.index.build import AddBatch, RecallRequirement, build
from indexer.index.searcher import CHUNK
from indexer.mean_template import mean_templates
from indexer.types import Owners, Tier, Vectors

SHARE_TWICE = 0.01
FPIR = 0.001


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--faces-each", type=int, default=1)
    parser.add_argument("--tier", type=Tier, default=Tier.COMPACT, choices=[Tier.EXACT, Tier.COMPACT])
    options = parser.parse_args()
    card = sface(mirror=True)
    twice = int(options.people * SHARE_TWICE)
    first = face_vectors.gallery(options.people - twice, 1)
    second = face_vectors.probes(first[:twice], 2)
    people = np.concatenate([first, second])
    rows, owners = _rows(people, options.faces_each)
    threshold = for_fpir(card, FPIR, options.people * options.faces_each)

    def feed(take: AddBatch) -> None:
        keys = np.arange(1, len(rows) + 1)
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            take(keys[part], rows[part], owners[part])

    requirement = RecallRequirement(genuine_cosines=card.genuine_scores, threshold=threshold, min_recall=0.99)
    built = build(options.tier, card.dimension, feed, requirement)
    with Progress() as bar:
        task = bar.add_task("Searching", total=options.people * options.faces_each)
        wall, cpu = time.perf_counter(), time.process_time()
        found = pairs.find(built.searcher, threshold, lambda count: bar.advance(task, count))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    planted = {(place + 1, options.people - twice + place + 1) for place in range(twice)}
    if options.faces_each == 1:
        scores = np.einsum("nd,nd->n", first[:twice], second)
        above = {pair for pair, score in zip(sorted(planted), scores, strict=True) if score >= threshold}
        hits = len(above & found.pairs.keys())
        print(f"{hits:,} of {len(above):,} planted pairs above the threshold are found")
    else:
        print(f"{len(planted & found.pairs.keys()):,} of {len(planted):,} planted pairs are found")
    print(
        f"{found.faces:,} faces of {found.people:,} people, {built.searcher.count:,} rows,"
        f" {built.searcher.tier}:"
        f" {wall:.1f} s, {cpu:.1f} s of CPU; threshold {threshold:.3f}, {len(found.pairs):,} pairs,"
        f" {len(found.pairs.keys() - planted):,} of other people;"
        f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB"
    )


def _rows(people: Vectors, faces_each: int) -> tuple[Vectors, Owners]:
    """The faces of all people, with a template after the faces of each where there are several."""
    numbers = np.arange(1, len(people) + 1)
    if faces_each == 1:
        return people, numbers
    faces = np.stack([people, *(face_vectors.probes(people, 10 + n) for n in range(1, faces_each))], axis=1)
    faces = faces.reshape(len(people) * faces_each, -1)
    templates, _ = mean_templates(faces, np.arange(0, len(faces), faces_each))
    after_last = np.arange(faces_each, len(faces) + 1, faces_each)
    rows = np.insert(faces, after_last, templates, axis=0)
    return rows, np.insert(np.repeat(numbers, faces_each), after_last, -numbers)


if __name__ == "__main__":
    main()
