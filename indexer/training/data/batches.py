"""Batches of augmented faces. Each depends only on the seed, the step and the process: resuming needs no
state."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidRequest
from indexer.training.data.augment import Augmentation
from indexer.training.data.dataset import people_of
from indexer.training.data.faces import Faces
from indexer.types import Template

_AHEAD = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    faces: NDArray[np.uint8]
    """Shape (n, side, side, 3)."""
    people: NDArray[np.int64]
    """Shape (n,): the person of each face."""
    places: NDArray[np.int64]
    """Shape (n,): the index of each face in the training data."""


class Batches:
    """`pairs` people with two faces each, and as many faces of people who have only one, if there are any."""

    def __init__(
        self,
        faces: Faces,
        template: Template,
        augmentation: Augmentation,
        *,
        pairs: int,
        seed: int,
        process: int = 0,
        threads: int = 2,
    ) -> None:
        """Raises InvalidRequest if fewer than two people have two faces."""
        people = list(people_of(faces.samples).values())
        self._several = [places for places in people if len(places) > 1]
        self._single = np.array([places[0] for places in people if len(places) == 1], np.int64)
        self._person = np.zeros(len(faces), np.int64)
        for number, places in enumerate(people):
            self._person[places] = number
        if len(self._several) < 2:
            raise InvalidRequest("training needs at least two people with two faces each", people=len(people))
        self._faces, self._template, self._augmentation = faces, template, augmentation
        self._pairs = min(pairs, len(self._several))
        if self._pairs < 2 and not len(self._single):
            raise InvalidRequest(
                "a batch needs strangers: set more pairs, or add people with one face", pairs=pairs
            )
        self._key = (seed, process)
        self._threads = threads

    def chosen(self, step: int) -> NDArray[np.int64]:
        """The indices of the faces of a step: both of each pair side by side, then the single ones."""
        rng = np.random.default_rng([*self._key, step, 0])
        people = rng.choice(len(self._several), self._pairs, replace=False)
        pairs = [rng.choice(self._several[person], 2, replace=False) for person in people]
        single = rng.choice(self._single, min(self._pairs, len(self._single)), replace=False)
        return np.concatenate([*pairs, single]).astype(np.int64)

    def batch(self, step: int) -> Batch:
        places = self.chosen(step)
        faces = [
            self._augmented(int(place), (*self._key, step, slot)) for slot, place in enumerate(places, 1)
        ]
        return Batch(faces=np.stack(faces), people=self._person[places], places=places)

    def between(self, first: int, end: int) -> Iterator[Batch]:
        """The batches of the steps from `first` up to `end`. Threads prepare them while the network works."""
        with ThreadPoolExecutor(self._threads, thread_name_prefix="batches") as pool:
            waiting: deque[Future[Batch]] = deque()
            for step in range(first, end):
                waiting.append(pool.submit(self.batch, step))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _augmented(self, place: int, key: tuple[int, ...]) -> NDArray[np.uint8]:
        pixels, crop = self._faces.pixels(place)
        rng = np.random.default_rng(key)
        return self._augmentation.apply(pixels, crop.landmarks_for(self._template), self._template, rng)
