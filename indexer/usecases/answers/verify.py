"""The answer of a comparison of two faces."""

from base64 import b64encode
from uuid import UUID

import numpy as np
from pydantic import BaseModel, Field

from indexer import request_timings
from indexer.calibration.active import Kind
from indexer.usecases.answers import MODEL_EXAMPLE, TIMINGS_EXAMPLE, AuditId, rounded_rate, rounded_timings
from indexer.usecases.answers.faces import DetectedFace
from indexer.usecases.searches.match_limits import UnmatchedReason
from indexer.usecases.searches.verification import Verification


class ComparedFace(DetectedFace):
    faces_found: int = Field(description="How many faces the picture has", examples=[1])


class OcclusionMapAnswer(BaseModel):
    """Which parts of a face made the score: how far it falls where a part is covered. It explains the model,
    not the person."""

    drops: list[list[float]] = Field(
        description="8 rows of 8 cells, from the upper left of the face as it is aligned; negative where the"
        " score rises without the part"
    )
    picture: str = Field(description="The face beneath the map: a JPEG in base64")


class VerifyAnswer(BaseModel):
    score: float = Field(
        description="Cosine similarity, -1 to 1; of an identity with a template, the mean of `face_score` and"
        " `template_score`, as in `identify`"
    )
    distance: float = Field(description="Euclidean distance, 0 to 2")
    matched: bool = Field(
        description="Whether the score reaches the threshold; never where there is an `unmatched_reason`"
    )
    unmatched_reason: UnmatchedReason | None = Field(
        description="Why it is no match, whatever the score: by the policy `reject` of `liveness`, a face"
        " looks like a print or a screen (`not_live`), or cannot be judged (`liveness_unclear`); null where"
        " the score decides",
        examples=[None],
    )
    threshold: float = Field(description="The least score of a match in this answer", examples=[0.3675])
    fmr: float = Field(description="The policy: share of pairs of strangers that may match")
    estimated_fmr: float = Field(description="Share of pairs of strangers that reach the threshold used")
    fmr_trusted: bool = Field(description="Whether the measurements support the estimate")
    score_fmr: float = Field(
        description="Share of pairs of strangers that score at least as much as this pair; never lower than"
        " what the measurements support",
        examples=[0.0001],
    )
    score_fmr_trusted: bool = Field(
        description="Whether the measurements reach as far as this score; if not, the share is at most"
        " `score_fmr`"
    )
    calibration: Kind = Field(description="Where the threshold comes from, as in `identify`")
    model: str = Field(
        description="Fingerprint of the model that made the embeddings", examples=[MODEL_EXAMPLE]
    )
    faces: list[ComparedFace] = Field(
        description="The face of each picture that was compared, in the order of the pictures"
    )
    face_id: UUID | None = Field(description="The identity's face that is nearest; null for two pictures")
    face_score: float | None = Field(description="Cosine similarity to that face; null for two pictures")
    template_score: float | None = Field(
        description="Cosine similarity to the person template; null where there is none"
    )
    template_faces: int | None = Field(description="Number of faces that the template is the mean of")
    explanation: list[OcclusionMapAnswer] | None = Field(
        default=None,
        description="One map for each of the two faces, where the request says `explain`; null otherwise",
    )
    audit_id: AuditId
    timings_ms: dict[str, float] = Field(
        description=request_timings.description(), examples=[TIMINGS_EXAMPLE]
    )

    @classmethod
    def of(cls, verification: Verification) -> "VerifyAnswer":
        decision, nearest = verification.decision, verification.identity
        return cls(
            score=round(verification.score, 6),
            distance=round(verification.distance, 6),
            matched=verification.matched,
            unmatched_reason=verification.unmatched_reason,
            threshold=round(decision.threshold, 6),
            fmr=decision.target,
            estimated_fmr=rounded_rate(decision.estimate.fpir),
            fmr_trusted=decision.estimate.trusted,
            score_fmr=rounded_rate(verification.score_estimate.fpir),
            score_fmr_trusted=verification.score_estimate.trusted,
            calibration=decision.calibration.kind,
            model=verification.model,
            faces=[
                ComparedFace(
                    **DetectedFace.fields_of(face.aligned, face.estimates), faces_found=face.faces_found
                )
                for face in verification.faces
            ],
            face_id=verification.face_id,
            face_score=None if nearest is None else round(nearest.face_score, 6),
            template_score=None
            if nearest is None or nearest.template_score is None
            else round(nearest.template_score, 6),
            template_faces=None if nearest is None else nearest.template_faces,
            explanation=[
                OcclusionMapAnswer(
                    drops=np.round(each.drops, 4).tolist(), picture=b64encode(each.jpeg).decode()
                )
                for each in verification.maps
            ]
            or None,
            audit_id=verification.audit_id,
            timings_ms=rounded_timings(verification.timings_ms),
        )
