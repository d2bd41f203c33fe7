"""Which models a gallery's new faces are embedded with: one, or two while the gallery changes its model."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import GemelError, Misconfigured
from indexer.pipeline.pipeline import AlignedFace, Photograph, Pipeline
from indexer.pipeline.pipelines import Pipelines
from indexer.records.tables import Gallery
from indexer.request_timings import Stopwatch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentModels:
    active: Pipeline
    """Of the model that the gallery is searched with."""
    others: Sequence[Pipeline]
    """Of the model that a re-index builds, or that one has just left, if it can be opened in this process."""
    numbers: Mapping[str, int]
    """Of all models that the gallery uses, by fingerprint; also of one that cannot be opened."""

    @property
    def active_fingerprint(self) -> str:
        return self.active.card.fingerprint

    def are_current(self, gallery: Gallery, in_use: Mapping[str, int]) -> bool:
        """Whether the gallery still uses no other models. `in_use`: as `reindexes.models_in_use` gives it."""
        active = next(fingerprint for fingerprint, number in in_use.items() if number == gallery.model_id)
        return active == self.active_fingerprint and in_use.keys() <= self.numbers.keys()

    def align(self, photograph: Photograph, face: AlignedFace) -> list[AlignedFace]:
        """The face for each model, the active one's first."""
        pixels, divisor = photograph.pixels, photograph.divisor
        return [face, *(other.align(pixels, face.face, divisor) for other in self.others)]

    def embed(
        self, faces: Sequence[Sequence[AlignedFace]], watch: Stopwatch
    ) -> dict[str, NDArray[np.float32]]:
        """By fingerprint, shape (n, dimension). `faces`: n faces, each as `align` gives it.

        Raises Busy, EmbeddingUnusable of the active model. An enrolment does not fail for another one: the
        re-index job embeds later what it lacks.
        """
        vectors = {self.active_fingerprint: self.active.embed([face[0] for face in faces], watch)}
        for place, other in enumerate(self.others, start=1):
            try:
                vectors[other.card.fingerprint] = other.embed([face[place] for face in faces], watch)
            except GemelError as error:
                log.warning("enrolled without %s: %s", other.card.fingerprint, error)
        return vectors


def models_of(pipelines: Pipelines, gallery: Gallery, in_use: Mapping[str, int]) -> EnrolmentModels:
    """`in_use`: as `reindexes.models_in_use` gives it. Raises ModelUnavailable, WeightsMissing,
    WeightsDamaged, CardUnusable of the active model."""
    active = pipelines.for_gallery(gallery)
    others: list[Pipeline] = []
    for fingerprint, number in in_use.items():
        if fingerprint != active.card.fingerprint:
            try:
                others.append(pipelines.by_number(number))
            except Misconfigured as error:  # the re-index job embeds the face later
                log.warning("enrolled without %s: %s", fingerprint, error)
    numbers = dict(in_use)
    if active.card.fingerprint not in numbers:
        numbers[active.card.fingerprint] = pipelines.models.number_of(active.card)
    return EnrolmentModels(active=active, others=others, numbers=numbers)
