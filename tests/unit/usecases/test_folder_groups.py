"""The groups of a folder's faces, without reading a photograph."""

import numpy as np

from indexer.index.neighbours import BATCH
from indexer.types import Box
from indexer.usecases.folder_groups.group import group_photographs
from indexer.usecases.folder_groups.photographs import FolderFace, FolderPhotograph
from tests.support.vectors import unit_vectors

GROUPED = 50


def test_the_steps_of_the_progress_add_up_to_the_faces_that_are_compared() -> None:
    vectors = unit_vectors(1, 2 * BATCH + 100, 8)
    box, landmarks = Box(x=0, y=0, width=50, height=50), np.zeros((5, 2), np.float32)
    photographs = [
        FolderPhotograph(
            file=f"{number}.jpg",
            version=None,
            faces=[
                FolderFace(box=box, landmarks=landmarks, vector=vector, group=1 if number < GROUPED else None)
            ],
        )
        for number, vector in enumerate(vectors)
    ]
    steps: list[int] = []

    group_photographs(photographs, 2, lambda _: 0.9999, steps.append)

    assert len(steps) > 1
    assert sum(steps) == len(vectors) - GROUPED
