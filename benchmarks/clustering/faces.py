"""All faces of Labeled Faces in the Wild, each with its person; and synthetic strangers to put them among."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks import face_vectors
from indexer.evaluation.lfw import read_people
from indexer.pipeline.embed_files import embed_files
from indexer.settings import Settings
from indexer.types import Vectors
from indexer.usecases.bootstrap import open_pipelines

MODEL = "sface"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledFaces:
    vectors: Vectors
    """Shape (faces, dimension): of the faces that were found."""
    people: NDArray[np.int64]
    """Shape (faces,): the number of each face's person."""
    missed: NDArray[np.int64]
    """Shape (missed,): the people of the photographs without a face; each counts as a face alone."""

    def all_people(self) -> NDArray[np.int64]:
        return np.concatenate([self.people, self.missed])

    def all_groups(self, groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the found faces, and a group of its own for each missed one."""
        alone = np.arange(len(self.missed)) + 1 + (groups.max() if len(groups) else 0)
        return np.concatenate([groups, alone])


def read(data: Path, cache: Path | None) -> LabelledFaces:
    """`cache`: a file with the embeddings of an earlier run; it is written if it does not exist."""
    people = read_people(data)
    files = [file for person in people for file in person.images]
    numbers = np.repeat(np.arange(len(people)), [len(person.images) for person in people])
    with open_pipelines(Settings(), [MODEL]) as [pipeline]:
        model = pipeline.card.fingerprint
        if cache is not None and cache.exists():
            with np.load(cache, allow_pickle=False) as file:
                if str(file["model"]) != model or len(file["found"]) != len(files):
                    raise SystemExit(f"{cache} is of another model or data set")
                vectors, found = file["vectors"], file["found"]
        else:
            with Progress() as bar:
                task = bar.add_task("Embedding", total=len(files))
                embedded = embed_files(pipeline, files, lambda done: bar.update(task, completed=done))
            vectors, found = embedded.vectors, embedded.found
            if cache is not None:
                np.savez(cache, vectors=vectors, found=found, model=model)
    return LabelledFaces(vectors=vectors[found], people=numbers[found], missed=numbers[~found])


def among_strangers(faces: LabelledFaces, size: int) -> Vectors:
    """The faces, and as many people with one face each as make them `size` rows."""
    strangers = face_vectors.gallery(max(0, size - len(faces.vectors)), seed=1)
    return np.concatenate([faces.vectors, strangers])[:size]
