"""The embeddings of an export's faces, for the model by which they will be searched."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Protocol

from indexer.pipeline.embed_crops import BATCH, embed_batch
from indexer.pipeline.pipeline import Pipeline
from indexer.records.reindexes import StoredCrop
from indexer.transfer.archive.contents import FaceGroup

Made = list[tuple[bytes | None, str | None]]
"""For each face its vector, as it is stored, or the reason why there is none."""


class Embed(Protocol):
    def __call__(self, group: FaceGroup, places: Sequence[int]) -> Made:
        """Of those faces of the group. Raises what the network raises."""


def as_exported(group: FaceGroup, places: Sequence[int]) -> Made:
    return [
        (None, group.lines[place].problem)
        if group.lines[place].problem is not None
        else (group.vectors[place].tobytes(), None)
        for place in places
    ]


class FromCrops:
    """In several threads, which have the caller's context. Close it."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._threads = ThreadPoolExecutor(os.cpu_count(), "embed")

    def __call__(self, group: FaceGroup, places: Sequence[int]) -> Made:
        crops = [
            StoredCrop(
                key=place,
                jpeg=group.crops[place],
                landmarks=None if line.crop is None else line.crop.landmarks,
            )
            for place in places
            for line in [group.lines[place]]
        ]
        batches = [
            self._threads.submit(
                copy_context().run, embed_batch, crops[start : start + BATCH], self._pipeline
            )
            for start in range(0, len(crops), BATCH)
        ]
        done = [batch.result() for batch in batches]
        vectors = {place: vector for batch in done for place, vector in batch.vectors.items()}
        problems = {place: problem for batch in done for place, problem in batch.problems.items()}
        return [(vectors.get(place), problems.get(place)) for place in places]

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
