"""From photographs to enrolments: detected, judged and embedded. Nothing is written."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from indexer.attributes.estimate import Estimates
from indexer.attributes.reader import AttributeReader
from indexer.errors import InvalidInput
from indexer.pipeline.pipeline import AlignedFace
from indexer.request_timings import Stopwatch
from indexer.types import Attribute, Enrolment, OnSeveralFaces
from indexer.usecases import liveness
from indexer.usecases.enrolment.models import EnrolmentModels
from indexer.usecases.enrolment.quality_gate import DUPLICATE, QualityGate, Rejection, nothing_enrolled
from indexer.usecases.enrolment.rejected_advice import with_advice
from indexer.vision.align import CROP_SCALE, crop_with_margin
from indexer.vision.place import FacePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationOptions:
    store_crops: bool
    several_faces: OnSeveralFaces
    attributes: Collection[Attribute]
    """To estimate of the faces that are enrolled."""
    permitted: Collection[str] | None
    """Attributes, by the gallery's policy; None: whatever the installation permits."""
    policy: str
    """Of liveness."""
    watch: Stopwatch
    check: Callable[[], object]
    """Is called before each image, and ends the work by raising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedImages:
    """Each image is in one of the two, by its number, from 0."""

    enrolments: dict[int, Enrolment] = field(default_factory=dict)
    rejected: dict[int, Rejection] = field(default_factory=dict)
    estimates: dict[int, Estimates] = field(default_factory=dict)
    """Of the faces to enrol, the attributes that the request asks for or the policy needs."""
    attributes: Collection[Attribute] = ()
    """Those that the request asks for."""

    @property
    def digests(self) -> list[bytes]:
        """SHA-256 of the images that are not rejected."""
        return [enrolment.image_sha256 for enrolment in self.enrolments.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePreparer:
    quality_gate: QualityGate
    attributes: AttributeReader

    def prepare(
        self,
        images: Sequence[bytes],
        models: EnrolmentModels,
        options: PreparationOptions,
        places: Mapping[int, FacePlace],
    ) -> PreparedImages:
        """As `prepare_several`, of one person. Raises NothingEnrolled where there are images and each is
        rejected."""
        prepared, aligned = self._admit_all(images, models, options, places)
        if images and not prepared.enrolments:  # before the network is used
            raise nothing_enrolled(prepared.rejected)
        _embed([prepared], aligned, models, options.watch)
        return prepared

    def prepare_several(
        self,
        people: Sequence[Sequence[bytes]],
        models: EnrolmentModels,
        options: PreparationOptions,
        places: Sequence[Mapping[int, FacePlace]],
    ) -> list[PreparedImages]:
        """Of the images of each person, with their places, if any. All faces are embedded together.

        Raises Busy, EmbeddingUnusable.
        """
        every, aligned = [], []
        for images, given in zip(people, places, strict=True):
            prepared, faces = self._admit_all(images, models, options, given)
            every.append(prepared)
            aligned += faces
        _embed(every, aligned, models, options.watch)
        return every

    def _admit_all(
        self,
        images: Sequence[bytes],
        models: EnrolmentModels,
        options: PreparationOptions,
        places: Mapping[int, FacePlace],
    ) -> tuple[PreparedImages, list[list[AlignedFace]]]:
        """Without embeddings yet; and the faces for each model, in the order of the enrolments."""
        prepared = PreparedImages(attributes=options.attributes)
        aligned: list[list[AlignedFace]] = []
        for number, data in enumerate(images):
            options.check()
            outcome = self._admit(data, models, options, places.get(number))
            if isinstance(outcome, Rejection):
                prepared.rejected[number] = outcome
                continue
            enrolment, faces, estimates = outcome
            if enrolment.image_sha256 in prepared.digests:
                prepared.rejected[number] = DUPLICATE
                continue
            prepared.enrolments[number] = enrolment
            prepared.estimates[number] = estimates
            aligned.append(faces)
        return prepared, aligned

    def _admit(
        self,
        data: bytes,
        models: EnrolmentModels,
        options: PreparationOptions,
        place: FacePlace | None,
    ) -> tuple[Enrolment, list[AlignedFace], Estimates] | Rejection:
        """The enrolment, without embeddings yet, the face for each model, and its attributes.

        The crop is cut out here, so that the photograph's pixels are not kept until the faces are embedded.
        """
        needed = liveness.to_estimate(options.attributes, options.policy)
        with self.attributes.turn(needed, options.watch):
            try:
                photograph = models.active.detect(
                    data, options.watch, max_faces=1, detail=CROP_SCALE[1], place=place
                )
            except InvalidInput as error:
                return Rejection(code=error.code, message=error.message, details=error.details)
            face = self.quality_gate.admit(photograph, options.several_faces)
            if isinstance(face, Rejection):
                return with_advice(face, photograph, self.attributes, options.permitted, options.watch)
            [estimates] = self.attributes.estimate(photograph, needed, options.watch, options.permitted)
        rejection = liveness.rejection(options.policy, estimates)
        if rejection is not None:
            return rejection
        enrolment = Enrolment(
            face=face.face,
            quality=face.quality,
            vectors={},
            image_sha256=hashlib.sha256(data).digest(),
            crop=crop_with_margin(photograph.pixels, face.face.detected_landmarks, divisor=photograph.divisor)
            if options.store_crops
            else None,
        )
        return enrolment, models.align(photograph, face), estimates


def _embed(
    people: Sequence[PreparedImages],
    aligned: Sequence[Sequence[AlignedFace]],
    models: EnrolmentModels,
    watch: Stopwatch,
) -> None:
    """`aligned`: of all enrolments, person by person."""
    if not aligned:
        return
    vectors = models.embed(aligned, watch)
    places = [(prepared, number) for prepared in people for number in prepared.enrolments]
    for row, (prepared, number) in enumerate(places):
        prepared.enrolments[number] = replace(
            prepared.enrolments[number],
            vectors={fingerprint: rows[row] for fingerprint, rows in vectors.items()},
        )
