"""The first half of every use case: from a file's bytes to faces that are aligned, judged and embedded."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from indexer.concurrency import ConcurrencyLimit
from indexer.embedding.card import ModelCard
from indexer.embedding.embedder import Embedder, stacked
from indexer.errors import EmbeddingUnusable
from indexer.inference.load import ProcessorLoad
from indexer.request_timings import Stage, Stopwatch
from indexer.types import (
    Crop,
    Face,
    Image,
    LandmarkSource,
    OnSeveralFaces,
    Quality,
    Template,
    Vectors,
)
from indexer.vision import quality
from indexer.vision.align import ARCFACE_112, TEMPLATES, align, crop_with_margin, enlargement, inside
from indexer.vision.decoding.decode import Picture
from indexer.vision.decoding.decoder import Decoder
from indexer.vision.detection.detect import Detector
from indexer.vision.detection.refine import LandmarkRefiner
from indexer.vision.place import FacePlace
from indexer.vision.recognisability import RecognisabilityNetwork
from indexer.vision.subject import is_clear_subject


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlignedFace:
    """A face as one model takes it in, with its quality."""

    face: Face
    """In the pixels of the photograph as it was sent, which may be more than were decoded."""
    pictures: tuple[Image, ...]
    """For each of the model's templates, shape (side, side, 3): cut out and turned as it says."""
    quality: Quality
    share_inside: float = 1.0
    """Of the face, from brows to mouth, in the photograph: by the landmarks, for a box is cut off with it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photograph:
    """A decoded picture and the faces in it."""

    pixels: Image
    width_px: int
    """As it was sent, upright."""
    height_px: int
    divisor: int
    """Pixels of the photograph as it was sent for each one of `pixels`, along a side."""
    faces: list[AlignedFace]
    """The largest first; at most as many as were requested."""
    faces_found: int
    """How many there are in the picture."""
    has_clear_subject: bool
    """Whether the largest face is clearly the picture's subject, as of `subject.is_clear_subject`."""

    def is_ambiguous(self, several_faces: OnSeveralFaces) -> bool:
        """Whether `several_faces` rejects the picture because of the number of its faces."""
        if self.faces_found <= 1 or several_faces is OnSeveralFaces.LARGEST:
            return False
        return several_faces is OnSeveralFaces.REJECT or not self.has_clear_subject

    def crops(self) -> list[Crop]:
        """Of the faces, as they are stored of enrolled ones."""
        return [
            crop_with_margin(self.pixels, face.face.detected_landmarks, divisor=self.divisor)
            for face in self.faces
        ]


def usable(vectors: Vectors) -> NDArray[np.bool_]:
    """Which of the vectors (n, dimension) have length 1; a broken model gives NaN."""
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray(np.abs(lengths - 1.0) < 1e-3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One detector and one model. Safe to call from several threads."""

    detector: Detector
    refiner: LandmarkRefiner
    embedder: Embedder
    decoder: Decoder
    detection_limit: ConcurrencyLimit
    """For decoding a picture and detecting its faces: more at once than there are cores would only take the
    processor from the network, and memory from everything else."""
    load: ProcessorLoad
    """Of the process: the networks use all cores for the only task."""
    quality_network: RecognisabilityNetwork | None = None
    templates: tuple[Template, ...] = field(init=False)
    """Of the model: one, or several for a fused model."""

    @property
    def card(self) -> ModelCard:
        return self.embedder.card

    def __post_init__(self) -> None:
        object.__setattr__(self, "templates", tuple(TEMPLATES[name] for name in self.card.templates))

    def detect(
        self,
        data: bytes,
        watch: Stopwatch,
        *,
        max_faces: int | None = None,
        detail: float = 1.0,
        place: FacePlace | None = None,
    ) -> Photograph:
        """`detail`: how many pixels a face needs for each one of `ARCFACE_112`, along a side, if the
        photograph has them. A large JPEG is decoded for the detector, at a half or less, and once more if a
        face is so small that it needs more pixels. `place`: of the only face that is requested, which is then
        found without a search of the photograph.

        Raises FacePlaceUnusable, UnsupportedImageFormat, UnreadableImage, ImageTooLarge, ImageTooExpensive,
        Busy, Abandoned.
        """
        with watch.stage(Stage.DECODE):
            header = self.decoder.inspect(data)
        with ExitStack() as held:
            held.enter_context(self.load.task())
            with watch.stage(Stage.WAIT):
                held.enter_context(self.decoder.slot(header))
                if header.harmless:
                    held.enter_context(self.detection_limit.slot())
            with watch.stage(Stage.DECODE):
                min_side_px: float = self.detector.size_px
                if place is not None and place.is_finite:  # the only time that it is decoded
                    share = self._min_share([place.face], detail)
                    min_side_px = max(min_side_px, share * max(header.width, header.height))
                picture = self.decoder.decode_in_slot(data, header, min_side_px=min_side_px)
            with ExitStack() as detecting:
                if not header.harmless:  # a slow decode must not hold up the fast ones
                    with watch.stage(Stage.WAIT):
                        detecting.enter_context(self.detection_limit.slot())
                with watch.stage(Stage.DETECT):
                    found = self._found(picture) if place is None else [self._at(place, picture)]
            requested = found[:max_faces]
            min_side_px = self._min_share(requested, detail) * max(picture.width_px, picture.height_px)
            if picture.divisor > self.decoder.divisor(header, min_side_px):
                with watch.stage(Stage.DECODE):
                    picture = self.decoder.decode_in_slot(data, header, min_side_px=min_side_px)
            with watch.stage(Stage.ALIGN):
                faces = self._judged(picture.pixels, requested, picture.divisor)
        return Photograph(
            pixels=picture.pixels,
            width_px=picture.width_px,
            height_px=picture.height_px,
            divisor=picture.divisor,
            faces=faces,
            faces_found=len(found),
            has_clear_subject=is_clear_subject(found, picture.width_px, picture.height_px),
        )

    def _found(self, picture: Picture) -> list[Face]:
        return [face.scaled(picture.divisor) for face in self.detector.detect(picture.pixels)]

    def _at(self, place: FacePlace, picture: Picture) -> Face:
        """Raises FacePlaceUnusable."""
        place.check(picture.width_px, picture.height_px)
        expected = place.face
        if place.landmarks is not None:
            return expected
        found = self.detector.detect_at(picture.pixels, expected.scaled(1 / picture.divisor))
        if found is not None:
            return found.scaled(picture.divisor)
        refined = self.refiner.refine(picture.pixels, expected.landmarks, divisor=picture.divisor)
        if refined is expected.landmarks:
            return expected
        return replace(expected, landmarks=refined, detected=None, landmark_source=LandmarkSource.REFINER)

    def align(self, pixels: Image, face: Face, divisor: int = 1) -> AlignedFace:
        """`face`: in the pixels of the photograph as it was sent. `divisor`: of those for each one of
        `pixels`, along a side. Its landmarks are refined if one of the templates asks for it and they are not
        yet. Its quality is that of the components, without the network."""
        return self._aligned(pixels, face, divisor)[0]

    def _judged(self, pixels: Image, faces: Sequence[Face], divisor: int) -> list[AlignedFace]:
        """As `align`, all faces of a photograph, with the network's quality if there is one."""
        aligned = [self._aligned(pixels, face, divisor) for face in faces]
        if self.quality_network is None:
            return [face for face, _ in aligned]
        values = self.quality_network.measure([upright for _, upright in aligned])
        return [
            replace(face, quality=quality.with_recognisability(face.quality, value))
            for (face, _), value in zip(aligned, values, strict=True)
        ]

    def _aligned(self, pixels: Image, face: Face, divisor: int) -> tuple[AlignedFace, Image]:
        """Also the face at `ARCFACE_112`."""
        if face.detected is None and any(template.refined for template in self.templates):
            refined = self.refiner.refine(pixels, face.landmarks, divisor=divisor)
            face = replace(face, landmarks=refined, detected=face.landmarks)
        pictures = tuple(
            align(pixels, face.landmarks_for(template), template, divisor=divisor)
            for template in self.templates
        )
        # Quality is measured at one template for all models.
        for picture, template in zip(pictures, self.templates, strict=True):
            if template.points is ARCFACE_112.points:
                upright = picture
                break
        else:
            upright = align(pixels, face.landmarks, ARCFACE_112, divisor=divisor)
        seen = inside(pixels, face.landmarks, ARCFACE_112, divisor=divisor)
        measured = quality.measure(face, upright, seen)
        share = 1.0 if seen is None else float(seen[quality.INNER].mean())
        return AlignedFace(face=face, pictures=pictures, quality=measured, share_inside=share), upright

    def _min_share(self, faces: Sequence[Face], detail: float) -> float:
        """Share of the photograph's pixels, along a side, with which no aligned face is enlarged more than
        with all of them."""
        return max(
            (
                max(
                    detail * enlargement(face.landmarks, ARCFACE_112),
                    *(enlargement(face.landmarks, template) for template in self.templates),
                )
                for face in faces
            ),
            default=0.0,
        )

    def embed(self, faces: Sequence[AlignedFace], watch: Stopwatch) -> Vectors:
        """Shape (n, dimension). Raises Busy, EmbeddingUnusable."""
        with watch.stage(Stage.EMBED):
            if not faces:
                return np.empty((0, self.card.dimension), np.float32)
            with self.load.task():
                vectors = self.embedder.embed(*stacked([face.pictures for face in faces]))
        if not usable(vectors).all():
            raise EmbeddingUnusable(
                f"the model {self.card.fingerprint} gave an embedding that is NaN or not of length 1",
                model=self.card.fingerprint,
            )
        return vectors
