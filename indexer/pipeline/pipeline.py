"""The first half of every use case: from a file's bytes to faces that are aligned, judged and embedded."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.concurrency import ConcurrencyLimit
from indexer.embedding.card import ModelCard
from indexer.embedding.embedder import Embedder
from indexer.errors import EmbeddingUnusable
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Face, Image, Quality, Template, Vectors
from indexer.vision import quality
from indexer.vision.align import ARCFACE_112, TEMPLATES, align
from indexer.vision.decoding.decoder import Decoder
from indexer.vision.detect import Detector


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlignedFace:
    """A face as one model takes it in, with its quality."""

    face: Face
    """In the pixels of the photograph as it was sent."""
    decoded_face: Face
    """The same in the pixels that were decoded; a large JPEG has fewer of those."""
    pixels: Image
    """Shape (side, side, 3): cut out and turned as the model's template says."""
    quality: Quality


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photograph:
    """A decoded picture and the faces in it."""

    pixels: Image
    width_px: int
    """As it was sent, upright."""
    height_px: int
    faces: list[AlignedFace]
    """The largest first; at most as many as were requested."""
    faces_found: int
    """How many there are in the picture."""


def usable(vectors: Vectors) -> NDArray[np.bool_]:
    """Which of the vectors (n, dimension) have length 1; a broken model gives NaN."""
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray(np.abs(lengths - 1.0) < 1e-3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One detector and one model. Safe to call from several threads."""

    detector: Detector
    embedder: Embedder
    decoder: Decoder
    detection_limit: ConcurrencyLimit
    """For decoding a picture and detecting its faces: more at once than there are cores would only take the
    processor from the network, and memory from everything else."""
    template: Template = field(init=False)

    @property
    def card(self) -> ModelCard:
        return self.embedder.card

    def __post_init__(self) -> None:
        object.__setattr__(self, "template", TEMPLATES[self.embedder.card.template])

    def detect(self, data: bytes, watch: Stopwatch, *, max_faces: int | None = None) -> Photograph:
        """Raises UnsupportedImageFormat, UnreadableImage, ImageTooLarge, ImageTooExpensive, Busy,
        Abandoned."""
        with watch.stage(Stage.DECODE):
            header = self.decoder.inspect(data)
        with ExitStack() as held:
            with watch.stage(Stage.WAIT):
                held.enter_context(self.decoder.slot(header))
                if header.harmless:
                    held.enter_context(self.detection_limit.slot())
            with watch.stage(Stage.DECODE):
                picture = self.decoder.decode_in_slot(data, header)
            if not header.harmless:  # a slow decode must not hold up the fast ones
                with watch.stage(Stage.WAIT):
                    held.enter_context(self.detection_limit.slot())
            with watch.stage(Stage.DETECT):
                found = self.detector.detect(picture.pixels)
            with watch.stage(Stage.ALIGN):
                faces = [self.align(picture.pixels, face, picture.scale) for face in found[:max_faces]]
        return Photograph(
            pixels=picture.pixels,
            width_px=picture.width_px,
            height_px=picture.height_px,
            faces=faces,
            faces_found=len(found),
        )

    def align(self, pixels: Image, face: Face, scale: float = 1.0) -> AlignedFace:
        """`scale`: pixels of the photograph as it was sent for each one of `pixels`, along a side."""
        aligned = align(pixels, face.landmarks, self.template)
        upright = aligned
        if self.template is not ARCFACE_112:  # quality is measured at one template for all models
            upright = align(pixels, face.landmarks, ARCFACE_112)
        return AlignedFace(
            face=face.scaled(scale),
            decoded_face=face,
            pixels=aligned,
            quality=quality.measure(face, upright),
        )

    def embed(self, faces: Sequence[AlignedFace], watch: Stopwatch) -> Vectors:
        """Shape (n, dimension). Raises Busy, EmbeddingUnusable."""
        with watch.stage(Stage.EMBED):
            if not faces:
                return np.empty((0, self.card.dimension), np.float32)
            vectors = self.embedder.embed(np.stack([face.pixels for face in faces]))
        if not usable(vectors).all():
            raise EmbeddingUnusable(
                f"the model {self.card.fingerprint} gave an embedding that is NaN or not of length 1",
                model=self.card.fingerprint,
            )
        return vectors
