"""Are these two the same person?"""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.active import ActiveCalibration
from indexer.calibration.resolver import CalibrationResolver
from indexer.calibration.threshold.decision import Decision, decide_pair
from indexer.errors import EmbeddingsMissing, InvalidInput, NoFaceFound, SeveralFaces
from indexer.pipeline.pipeline import AlignedFace, Pipeline
from indexer.pipeline.pipelines import Pipelines
from indexer.records import faces, galleries, identities
from indexer.records.database.session import Database, Session
from indexer.request_timings import Stage, Stopwatch
from indexer.types import OnSeveralFaces
from indexer.usecases.identify import distance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparedFace:
    """The face of a picture that was compared."""

    aligned: AlignedFace
    faces_found: int
    """How many faces the picture has."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verification:
    score: float
    """Cosine similarity, -1 to 1."""
    matched: bool
    decision: Decision
    """Its rates are FMR: the comparison is with one person."""
    model: str
    faces: list[ComparedFace]
    """One of each picture, in the order of the pictures."""
    face_id: UUID | None
    """The enrolled face that came nearest; None for a comparison of two pictures."""
    timings_ms: dict[str, float]

    @property
    def distance(self) -> float:
        return distance(self.score)


def verify_pair(
    pipeline: Pipeline,
    calibration: ActiveCalibration,
    image_a: bytes,
    image_b: bytes,
    *,
    fmr: float,
    threshold: float | None = None,
    several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
) -> Verification:
    """Compares the face of one picture with that of the other.

    `threshold`: the least score that matches; by default the one that a share `fmr` of strangers reaches.
    Raises NoFaceFound, SeveralFaces, EmbeddingUnusable, Busy, and what `Pipeline.detect` raises.
    """
    watch = Stopwatch()
    faces = [
        _face_of(pipeline, image_a, "image_a", several_faces, watch),
        _face_of(pipeline, image_b, "image_b", several_faces, watch),
    ]
    a, b = pipeline.embed([face.aligned for face in faces], watch)
    return _verdict(pipeline, calibration, float(a @ b), faces, None, fmr, threshold, watch)


def verify_identity(
    pipelines: Pipelines,
    calibrations: CalibrationResolver,
    database: Database,
    gallery_name: str,
    identity_id: UUID,
    image: bytes,
    *,
    fmr: float,
    threshold: float | None = None,
    several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
) -> Verification:
    """Compares the face of the picture with the nearest face of the identity.

    Raises GalleryNotFound, IdentityNotFound, NoFaceFound (of the picture or of the identity), SeveralFaces,
    EmbeddingsMissing, ModelUnavailable, EmbeddingUnusable, Busy, and what `Pipeline.detect` raises.
    """
    watch = Stopwatch()
    with watch.stage(Stage.DATABASE), database.reading() as session:
        gallery = galleries.get(session, gallery_name)
        pipeline = pipelines.for_gallery(gallery)
        fingerprint = pipeline.card.fingerprint
        identities.get(session, gallery.id, identity_id)
        if not any(faces.read_vectors(session, identity_id, fingerprint, at_once=1)):
            raise _nothing_to_compare(session, identity_id, fingerprint)
    calibration = calibrations.for_gallery(gallery, pipeline.card)
    face = _face_of(pipeline, image, "image", several_faces, watch)
    [probe] = pipeline.embed([face.aligned], watch)
    with watch.stage(Stage.DATABASE), database.reading() as session:
        nearest = _nearest(session, identity_id, fingerprint, probe)
        if nearest is None:  # its faces were deleted in the meantime
            raise _nothing_to_compare(session, identity_id, fingerprint)
    score, face_id = nearest
    return _verdict(pipeline, calibration, score, [face], face_id, fmr, threshold, watch)


def _nearest(
    session: Session, identity_id: UUID, fingerprint: str, probe: NDArray[np.float32]
) -> tuple[float, UUID] | None:
    """Score and id of the identity's face that is nearest to the probe."""
    nearest: tuple[float, UUID] | None = None
    for face_ids, vectors in faces.read_vectors(session, identity_id, fingerprint):
        scores = vectors @ probe
        best = int(np.argmax(scores))
        if nearest is None or scores[best] > nearest[0]:
            nearest = float(scores[best]), face_ids[best]
    return nearest


def _nothing_to_compare(
    session: Session, identity_id: UUID, fingerprint: str
) -> EmbeddingsMissing | NoFaceFound:
    if faces.count_by_identity(session, [identity_id])[identity_id]:
        return EmbeddingsMissing(
            f"none of the identity's faces has an embedding by {fingerprint}", model=fingerprint
        )
    return NoFaceFound("the identity has no enrolled face to compare with")


def _face_of(
    pipeline: Pipeline, data: bytes, field: str, several_faces: OnSeveralFaces, watch: Stopwatch
) -> ComparedFace:
    """Raises NoFaceFound, SeveralFaces, and what `Pipeline.detect` raises; each names the field."""
    try:
        photograph = pipeline.detect(data, watch, max_faces=1)
    except InvalidInput as error:
        error.details["field"] = field
        raise
    if not photograph.faces:
        raise NoFaceFound(f"no face was found in {field}", field=field)
    if photograph.is_ambiguous(several_faces):
        raise SeveralFaces(
            f"{field} shows {photograph.faces_found} faces and must show one;"
            " several_faces=largest compares the largest",
            field=field,
            measured=photograph.faces_found,
            limit=1,
        )
    return ComparedFace(aligned=photograph.faces[0], faces_found=photograph.faces_found)


def _verdict(
    pipeline: Pipeline,
    calibration: ActiveCalibration,
    score: float,
    faces: list[ComparedFace],
    face_id: UUID | None,
    fmr: float,
    threshold: float | None,
    watch: Stopwatch,
) -> Verification:
    decision = decide_pair(calibration, fmr, threshold)
    return Verification(
        score=score,
        matched=score >= decision.threshold,
        decision=decision,
        model=pipeline.card.fingerprint,
        faces=faces,
        face_id=face_id,
        timings_ms=watch.timings_ms(),
    )
