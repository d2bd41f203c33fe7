"""The figures of a card: the share of pairs of strangers that reaches a score, and scores of genuine pairs.

All images of LFW are embedded, and all pairs of images of different people are compared. Genuine pairs are
the 3,000 matched ones of LFW's own list, which a few people with hundreds of images do not rule.

    GEMEL_MODEL=dlib-resnet python -m benchmarks.card_figures --data LFW
"""

import argparse
from pathlib import Path

import numpy as np
from rich.progress import Progress

from indexer.evaluation.lfw import read_pairs, read_people
from indexer.pipeline.embed_files import embed_files
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline

RATES = (0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_BINS = np.linspace(-1.0, 1.0, 20_001)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="LFW: one folder per person")
    folder = parser.parse_args().data
    people, pairs = read_people(folder), [pair for pair in read_pairs(folder) if pair.matched]
    files = [image for person in people for image in person.images]
    label = np.repeat(np.arange(len(people)), [len(person.images) for person in people])
    with open_pipeline(Settings()) as pipeline, Progress() as bar:
        task = bar.add_task("Embedding", total=len(files))
        embedded = embed_files(pipeline, files, lambda done: bar.update(task, completed=done))
        print(pipeline.embedder.card.fingerprint)
    vectors, label = embedded.vectors[embedded.found], label[embedded.found]
    counts = np.zeros(len(_BINS) - 1, np.int64)
    for i in range(len(vectors) - 1):
        scores = vectors[i + 1 :] @ vectors[i]
        counts += np.histogram(scores[label[i + 1 :] != label[i]], _BINS)[0]
    share = counts[::-1].cumsum()[::-1] / counts.sum()
    print(f"{counts.sum():,} pairs of images of different people")
    for rate in RATES:
        print(f"FMR {rate:<8g} score {_BINS[int(np.argmax(share <= rate))]:.4f}")
    first, first_found = embedded.of([pair.first for pair in pairs])
    second, second_found = embedded.of([pair.second for pair in pairs])
    genuine = np.einsum("nd,nd->n", first, second)[first_found & second_found]
    print(f"{len(genuine):,} genuine pairs, quantiles each 5 %:")
    print(", ".join(f"{score:.3f}" for score in np.quantile(genuine, np.linspace(0, 1, 21))))


if __name__ == "__main__":
    main()
