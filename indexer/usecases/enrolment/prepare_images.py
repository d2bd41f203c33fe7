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
from indexer.vision.align import CROP_SCALE, crop_with_margin
from indexer.vision.place import FacePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedImages:
    """Each image is in one of the two, by its number, from 0."""

    enrolments: dict[int, Enrolment] = field(default_factory=dict)
    rejected: dict[int, Rejection] = field(default_factory=dict)
    estimates: dict[int, Estimates] = field(default_factory=dict)
    """Of the faces to enrol, the attributes that the request asks for."""

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
        *,
        places: Mapping[int, FacePlace],
        store_crops: bool,
        several_faces: OnSeveralFaces,
        attributes: Collection[Attribute],
        policy: str,
        watch: Stopwatch,
        check: Callable[[], object],
    ) -> PreparedImages:
        """As `prepare_several`, of one person. `policy`: of liveness. Raises NothingEnrolled where there are
        images and each is rejected."""
        prepared, aligned = self._admit_all(
            images, models, places, store_crops, several_faces, attributes, policy, watch, check
        )
        if images and not prepared.enrolments:  # before the network is used
            raise nothing_enrolled(prepared.rejected)
        _embed([prepared], aligned, models, watch)
        return prepared

    def prepare_several(
        self,
        people: Sequence[Sequence[bytes]],
        models: EnrolmentModels,
        *,
        places: Sequence[Mapping[int, FacePlace]],
        store_crops: bool,
        several_faces: OnSeveralFaces,
        attributes: Collection[Attribute],
        policy: str,
        watch: Stopwatch,
        check: Callable[[], object],
    ) -> list[PreparedImages]:
        """Of the images of each person, with their places, if any. All faces are embedded together.

        `check` is called before each image, and ends the work by raising. Raises Busy, EmbeddingUnusable.
        """
        every, aligned = [], []
        for images, given in zip(people, places, strict=True):
            prepared, faces = self._admit_all(
                images, models, given, store_crops, several_faces, attributes, policy, watch, check
            )
            every.append(prepared)
            aligned += faces
        _embed(every, aligned, models, watch)
        return every

    def _admit_all(
        self,
        images: Sequence[bytes],
        models: EnrolmentModels,
        places: Mapping[int, FacePlace],
        store_crops: bool,
        several_faces: OnSeveralFaces,
        attributes: Collection[Attribute],
        policy: str,
        watch: Stopwatch,
        check: Callable[[], object],
    ) -> tuple[PreparedImages, list[list[AlignedFace]]]:
        """Without embeddings yet; and the faces for each model, in the order of the enrolments."""
        prepared = PreparedImages()
        aligned: list[list[AlignedFace]] = []
        for number, data in enumerate(images):
            check()
            outcome = self._admit(
                data, models, places.get(number), store_crops, several_faces, attributes, policy, watch
            )
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
        place: FacePlace | None,
        store_crops: bool,
        several_faces: OnSeveralFaces,
        attributes: Collection[Attribute],
        policy: str,
        watch: Stopwatch,
    ) -> tuple[Enrolment, list[AlignedFace], Estimates] | Rejection:
        """The enrolment, without embeddings yet, the face for each model, and its attributes.

        The crop is cut out here, so that the photograph's pixels are not kept until the faces are embedded.
        """
        try:
            photograph = models.active.detect(data, watch, max_faces=1, detail=CROP_SCALE[1], place=place)
        except InvalidInput as error:
            return Rejection(code=error.code, message=error.message, details=error.details)
        face = self.quality_gate.admit(photograph, several_faces)
        if isinstance(face, Rejection):
            return face
        needed = liveness.to_estimate(attributes, policy)
        [estimates] = self.attributes.read(photograph, needed, watch)
        rejection = liveness.rejection(policy, estimates)
        if rejection is not None:
            return rejection
        enrolment = Enrolment(
            face=face.face,
            quality=face.quality,
            vectors={},
            image_sha256=hashlib.sha256(data).digest(),
            crop=crop_with_margin(photograph.pixels, face.face.detected_landmarks, divisor=photograph.divisor)
            if store_crops
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
