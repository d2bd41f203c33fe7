"""Fits `face_vectors.npz`: how SFace's embeddings lie, measured on all of Labeled Faces in the Wild.

The Gaussian is that of the first image of each person, so that nobody counts more than another. Genuine
pairs are the 3,000 matched ones of LFW's own list, which a few people with hundreds of images do not rule.

    python -m benchmarks.fit_face_vectors --data LFW
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import Progress

from benchmarks.face_vectors import PARAMETERS, Parameters, effective_dimension
from indexer.evaluation.lfw import Pair, Person, read_pairs, read_people
from indexer.pipeline.embed_files import Embeddings, embed_files
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline

QUANTILES = np.linspace(0, 1, 101)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="LFW: one folder per person, and pairs.txt")
    folder = parser.parse_args().data
    people, pairs = read_people(folder), read_pairs(folder)
    files = [image for person in people for image in person.images]
    with open_pipeline(Settings()) as pipeline, Progress() as bar:
        task = bar.add_task("Embedding", total=len(files))
        embedded = embed_files(pipeline, files, lambda done: bar.update(task, completed=done))
        print(pipeline.embedder.card.fingerprint)
    fitted = fit(people, pairs, embedded)
    np.savez_compressed(PARAMETERS, **fitted._asdict())
    print(f"effective dimension {effective_dimension(fitted.covariance):.1f} of {len(fitted.mean)}")
    for share in (0.01, 0.05, 0.25, 0.5, 0.75):
        print(f"genuine pairs, {share:4.0%} below {np.quantile(fitted.genuine, share):.3f}")


def fit(people: Sequence[Person], pairs: Sequence[Pair], embedded: Embeddings) -> Parameters:
    one_each, found = embedded.of([person.images[0] for person in people])
    genuine = [pair for pair in pairs if pair.matched]
    a, a_found = embedded.of([pair.first for pair in genuine])
    b, b_found = embedded.of([pair.second for pair in genuine])
    cosines = np.einsum("nd,nd->n", a, b)[a_found & b_found]
    one_each = one_each[found].astype(np.float64)
    return Parameters(
        mean=one_each.mean(axis=0).astype(np.float32),
        covariance=np.cov(one_each, rowvar=False).astype(np.float32),
        genuine=np.quantile(cosines, QUANTILES).astype(np.float32),
    )


if __name__ == "__main__":
    main()
