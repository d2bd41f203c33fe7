"""Are these two the same person?"""

import math
from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.reader import AttributeReader
from indexer.calibration.active import ActiveCalibration
from indexer.calibration.resolver import CalibrationResolver
from indexer.calibration.threshold.curve import Estimate
from indexer.calibration.threshold.decision import Decision, decide_pair
from indexer.errors import EmbeddingsMissing, InvalidInput, NoFaceFound, SeveralFaces
from indexer.pipeline.pipeline import Pipeline
from indexer.pipeline.pipelines import Pipelines
from indexer.records import galleries
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import faces, identities, template_vectors
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Attribute, LivenessPolicy, OnSeveralFaces
from indexer.usecases import liveness as policy
from indexer.usecases.explain_pair import explain_pair
from indexer.usecases.searches.recorded_verification import recorded
from indexer.usecases.searches.recorder import SearchRecorder
from indexer.usecases.searches.verification import ComparedFace, IdentityScore, Verification
from indexer.vision.place import FacePlace


def verify_pair(
    pipeline: Pipeline,
    calibration: ActiveCalibration,
    image_a: bytes,
    image_b: bytes,
    *,
    fmr: float,
    reader: AttributeReader,
    threshold: float | None = None,
    several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
    place_a: FacePlace | None = None,
    place_b: FacePlace | None = None,
    attributes: Collection[Attribute] = (),
    explain: bool = False,
    liveness: LivenessPolicy = LivenessPolicy.OFF,
    recorder: SearchRecorder | None = None,
) -> Verification:
    """Compares the face of one picture with that of the other.

    `threshold`: the least score that matches; by default the one that a share `fmr` of strangers reaches.
    `place_a`, `place_b`: of the faces, where the caller knows it. `attributes`: to estimate of both.
    `explain`: also which parts of the faces made the score.
    `liveness`: for both.
    Raises AttributeNotPermitted, AttributeUnavailable, NoFaceFound, SeveralFaces, EmbeddingUnusable, Busy,
    and what `Pipeline.detect` raises.
    """
    watch = Stopwatch()
    reader.check(attributes)
    policy.check(reader, liveness)
    needed = policy.to_estimate(attributes, liveness)
    faces = [
        _face_of(pipeline, image_a, "image_a", several_faces, place_a, reader, needed, None, watch),
        _face_of(pipeline, image_b, "image_b", several_faces, place_b, reader, needed, None, watch),
    ]
    aligned = [face.aligned for face in faces]
    vectors = pipeline.embed(aligned, watch)
    maps = explain_pair(pipeline, aligned, vectors, watch) if explain else []
    score = float(vectors[0] @ vectors[1])
    decision = decide_pair(calibration, fmr, threshold)
    verification = _verdict(pipeline, calibration, score, faces, None, decision, liveness, watch)
    verification = replace(verification, maps=maps)
    return recorded(verification, recorder, threshold, watch, attributes=attributes, policy=liveness)


def verify_identity(
    pipelines: Pipelines,
    calibrations: CalibrationResolver,
    database: Database,
    gallery_name: str,
    identity_id: UUID,
    image: bytes,
    *,
    fmr: float,
    reader: AttributeReader,
    threshold: float | None = None,
    several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
    place: FacePlace | None = None,
    attributes: Collection[Attribute] = (),
    recorder: SearchRecorder | None = None,
) -> Verification:
    """Compares the face of the picture with the identity, by the same score as a search.

    `place`: of the face, where the caller knows it. `attributes`: to estimate of it.
    Raises GalleryNotFound, IdentityNotFound, AttributeNotPermitted, AttributeUnavailable, NoFaceFound (of the
    picture or of the identity), SeveralFaces, EmbeddingsMissing, ModelUnavailable, EmbeddingUnusable, Busy,
    and what `Pipeline.detect` raises.
    """
    watch = Stopwatch()
    with watch.stage(Stage.DATABASE), database.reading() as session:
        gallery = galleries.get(session, gallery_name)
        reader.check(attributes, gallery.attributes)
        policy.check(reader, gallery.liveness)
        pipeline = pipelines.for_gallery(gallery)
        fingerprint = pipeline.card.fingerprint
        identities.get(session, gallery.id, identity_id)
        if not any(faces.read_vectors(session, identity_id, fingerprint, at_once=1)):
            raise _nothing_to_compare(session, identity_id, fingerprint)
    calibration = calibrations.for_gallery(gallery, pipeline.card)
    needed = policy.to_estimate(attributes, gallery.liveness)
    permitted = gallery.attributes
    face = _face_of(pipeline, image, "image", several_faces, place, reader, needed, permitted, watch)
    [probe] = pipeline.embed([face.aligned], watch)
    with watch.stage(Stage.DATABASE), database.reading() as session:
        identity = score_identity(session, gallery.id, identity_id, fingerprint, probe)
        if identity is None:  # its faces were deleted in the meantime
            raise _nothing_to_compare(session, identity_id, fingerprint)
    verification = _verdict(
        pipeline,
        calibration,
        identity.score,
        [face],
        identity,
        decide_pair(calibration, fmr, threshold),
        gallery.liveness,
        watch,
    )
    return recorded(
        verification,
        recorder,
        threshold,
        watch,
        attributes=attributes,
        policy=gallery.liveness,
        gallery=gallery,
        identity_id=identity_id,
    )


def score_identity(
    session: Session, gallery_id: UUID, identity_id: UUID, fingerprint: str, probe: NDArray[np.float32]
) -> IdentityScore | None:
    """Of a probe, (dimension,), by a search's score. None where no face of the identity has an embedding."""
    face_score, face_id, count = -math.inf, None, 0
    for face_ids, vectors in faces.read_vectors(session, identity_id, fingerprint):
        scores = vectors @ probe
        best = int(np.argmax(scores))
        count += len(scores)
        if scores[best] > face_score:
            face_score, face_id = float(scores[best]), face_ids[best]
    if face_id is None:
        return None
    template = template_vectors.of_identity(session, gallery_id, identity_id, fingerprint)
    return IdentityScore(
        face_id=face_id,
        face_score=face_score,
        template_score=None if template is None else float(template @ probe),
        template_faces=None if template is None else count,
    )


def _nothing_to_compare(
    session: Session, identity_id: UUID, fingerprint: str
) -> EmbeddingsMissing | NoFaceFound:
    if faces.count_by_identity(session, [identity_id])[identity_id]:
        return EmbeddingsMissing(
            f"none of the identity's faces has an embedding by {fingerprint}", model=fingerprint
        )
    return NoFaceFound("the identity has no enrolled face to compare with")


def _face_of(
    pipeline: Pipeline,
    data: bytes,
    field: str,
    several_faces: OnSeveralFaces,
    place: FacePlace | None,
    reader: AttributeReader,
    needed: Collection[Attribute],
    permitted: Collection[str] | None,
    watch: Stopwatch,
) -> ComparedFace:
    """`permitted`: by the gallery's policy.

    Raises NoFaceFound, SeveralFaces, and what `Pipeline.detect` raises; each names the field."""
    with reader.turn(needed, watch):
        try:
            photograph = pipeline.detect(data, watch, max_faces=1, place=place)
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
        [estimates] = reader.estimate(photograph, needed, watch, permitted)
    return ComparedFace(aligned=photograph.faces[0], faces_found=photograph.faces_found, estimates=estimates)


def _verdict(
    pipeline: Pipeline,
    calibration: ActiveCalibration,
    score: float,
    faces: list[ComparedFace],
    identity: IdentityScore | None,
    decision: Decision,
    liveness: str,
    watch: Stopwatch,
) -> Verification:
    faces = [
        replace(face, unmatched_reason=policy.reason_against(liveness, face.estimates)) for face in faces
    ]
    may_match = all(face.unmatched_reason is None for face in faces)
    return Verification(
        score=score,
        matched=may_match and score >= decision.threshold,
        decision=decision,
        score_estimate=_supported_estimate(calibration, score),
        model=pipeline.card.fingerprint,
        faces=faces,
        identity=identity,
        audit_id=None,
        timings_ms=watch.timings_ms(),
    )


def _supported_estimate(calibration: ActiveCalibration, score: float) -> Estimate:
    """The FMR of a score; that of the last score that was measured, not trusted, for those beyond it."""
    estimate = calibration.curve.estimate(score, 1)
    return replace(estimate, fpir=max(estimate.fpir, calibration.curve.least_fpir(1)))
