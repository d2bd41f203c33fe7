"""The first half of every use case: a file's bytes to faces that are aligned, judged and embedded."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.errors import EmbeddingUnusable
from indexer.types import Face, Image, Quality, Template, Vectors
from indexer.vision import quality
from indexer.vision.align import ARCFACE_112, TEMPLATES, align
from indexer.vision.decode import decode
from indexer.vision.detect import Detector

if TYPE_CHECKING:  # torch takes seconds to import, which those who only name a Camera should not wait
    from indexer.embedding.card import ModelCard
    from indexer.embedding.embedder import Embedder


class Stopwatch:
    """How long each stage took, in milliseconds; stages of one name add up."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._start = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1e3
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent

    @property
    def total(self) -> float:
        return (time.perf_counter() - self._start) * 1e3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenFace:
    """A face with what the network wants of it."""

    face: Face
    aligned: Image
    quality: Quality


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photograph:
    pixels: Image
    faces: list[SeenFace]
    """The largest first; no more than were asked for."""
    found: int
    """How many there are in the picture."""


def usable(vectors: Vectors) -> NDArray[np.bool_]:
    """Which of the vectors (n, dimension) are of length 1; a broken model gives what is not a number."""
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray(np.abs(lengths - 1.0) < 1e-3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Looks at photographs with one detector and one model."""

    detector: Detector
    embedder: "Embedder"
    max_pixels: int
    looking: threading.Semaphore
    """How many pictures are decoded and searched at once: more than there are cores would only take
    the processor from the network, and memory from everybody."""
    template: Template = field(init=False)

    @property
    def card(self) -> "ModelCard":
        return self.embedder.card

    def __post_init__(self) -> None:
        object.__setattr__(self, "template", TEMPLATES[self.embedder.card.template])

    def look(self, data: bytes, watch: Stopwatch, *, max_faces: int | None = None) -> Photograph:
        """Raises UnsupportedImageFormat, UnreadableImage, ImageTooLarge."""
        with watch.stage("wait"):
            self.looking.acquire()
        try:
            with watch.stage("decode"):
                pixels = decode(data, max_pixels=self.max_pixels)
            with watch.stage("detect"):
                found = self.detector.detect(pixels)
            with watch.stage("align"):
                faces = [self.see(pixels, face) for face in found[:max_faces]]
        finally:
            self.looking.release()
        return Photograph(pixels=pixels, faces=faces, found=len(found))

    def see(self, pixels: Image, face: Face) -> SeenFace:
        aligned = align(pixels, face.landmarks, self.template)
        upright = aligned
        if self.template is not ARCFACE_112:  # quality is measured at one template for all models
            upright = align(pixels, face.landmarks, ARCFACE_112)
        return SeenFace(face=face, aligned=aligned, quality=quality.measure(face, upright))

    def embed(self, faces: Sequence[SeenFace], watch: Stopwatch) -> Vectors:
        """Shape (n, dimension). Raises Busy, EmbeddingUnusable."""
        with watch.stage("embed"):
            if not faces:
                return np.empty((0, self.card.dimension), np.float32)
            vectors = self.embedder.embed(np.stack([face.aligned for face in faces]))
        if not usable(vectors).all():
            raise EmbeddingUnusable(
                f"the model {self.card.fingerprint} made of a face what is not a number",
                model=self.card.fingerprint,
            )
        return vectors
