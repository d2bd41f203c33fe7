"""Answers of identify, verify and detect."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.calibration.active import Kind
from indexer.calibration.threshold import Decision
from indexer.usecases.identify import Candidate as FoundCandidate
from indexer.usecases.identify import Identification, SearchResult
from indexer.usecases.match_limits import UnmatchedReason
from indexer.usecases.verify import Verification
from service.schemas import ID_EXAMPLE, MODEL_EXAMPLE, TIMINGS_EXAMPLE
from service.schemas.faces import DetectedFace


class IdentityRef(BaseModel):
    id: UUID = Field(description="Given by Gemel", examples=[ID_EXAMPLE])
    external_id: str | None = Field(description="Your own id; null where there is none", examples=["4711"])
    name: str | None = Field(description="Null where there is none", examples=["Grace Hopper"])


class Candidate(BaseModel):
    identity: IdentityRef = Field(description="Whom the face resembles")
    score: float = Field(description="Cosine similarity, -1 to 1; 1 is the same picture", examples=[0.6412])
    distance: float = Field(
        description="Euclidean distance of the same two embeddings, 0 to 2: sqrt(2 - 2 score)",
        examples=[0.8471],
    )
    matched: bool = Field(
        description="Whether the score reaches the threshold; in a photograph, never where its face has an"
        " `unmatched_reason`"
    )
    face_id: UUID = Field(description="The enrolled face that came nearest")

    @classmethod
    def of(cls, candidate: FoundCandidate) -> "Candidate":
        owner = candidate.owner
        return cls(
            identity=IdentityRef(id=owner.identity_id, external_id=owner.external_id, name=owner.name),
            score=round(candidate.score, 6),
            distance=round(candidate.distance, 6),
            matched=candidate.matched,
            face_id=owner.face_id,
        )


class ProbeFace(DetectedFace):
    unmatched_reason: UnmatchedReason | None = Field(
        description="Why none of the candidates is `matched`, whatever its score: by the gallery's policy the"
        " face is too small (`min_match_face_px`) or too blurred (`min_match_sharpness`) to be told from"
        " others; null where the scores decide",
        examples=[None],
    )
    candidates: list[Candidate] = Field(description="Best first, each identity once")


class Threshold(BaseModel):
    """What an answer was decided by."""

    threshold: float = Field(description="The one in force for this answer", examples=[0.4346])
    fpir: float = Field(
        description="The policy: share of searches for strangers that may give a false alarm",
        examples=[0.001],
    )
    estimated_fpir: float = Field(
        description="Share of searches for strangers that reach the threshold used, among so many faces",
        examples=[0.001],
    )
    estimated_fpir_interval: tuple[float, float] | None = Field(
        description="95 % interval of the estimate; null by a model's card, which has none",
        examples=[[0.0006, 0.0018]],
    )
    fpir_trusted: bool = Field(
        description="Whether what was measured reaches so far; if not, the estimate is an extrapolation"
    )
    calibration: Kind = Field(
        description="By what the threshold was worked out: the gallery's own calibration, its model's, or"
        " the figures on the model's card"
    )

    @classmethod
    def fields_of(cls, decision: Decision) -> dict[str, Any]:
        estimate = decision.estimate
        return {
            "threshold": round(decision.threshold, 6),
            "fpir": decision.target,
            "estimated_fpir": _rate(estimate.fpir),
            "estimated_fpir_interval": estimate.interval and tuple(map(_rate, estimate.interval)),
            "fpir_trusted": estimate.trusted,
            "calibration": decision.calibration,
        }


class IdentifyAnswer(Threshold):
    faces: list[ProbeFace] = Field(description="The largest first; empty where no face was found")
    faces_found: int = Field(description="How many faces the picture has, asked for or not")
    model: str = Field(
        description="Fingerprint of the model that made the embeddings", examples=[MODEL_EXAMPLE]
    )
    gallery_size: int = Field(description="Enrolled faces that were searched: N")
    timings_ms: dict[str, float] = Field(
        description="Milliseconds of each stage: wait (for others), decode, detect, align, embed, index,"
        " search, database, total",
        examples=[TIMINGS_EXAMPLE],
    )

    @classmethod
    def of(cls, identification: Identification) -> "IdentifyAnswer":
        return cls(
            faces=[
                ProbeFace(
                    **DetectedFace.fields_of(face.seen),
                    unmatched_reason=face.unmatched_reason,
                    candidates=[Candidate.of(candidate) for candidate in face.candidates],
                )
                for face in identification.faces
            ],
            faces_found=identification.found,
            model=identification.model,
            gallery_size=identification.gallery_size,
            **cls.fields_of(identification.decision),
            timings_ms=rounded(identification.timings_ms),
        )


class SearchAnswer(Threshold):
    candidates: list[Candidate] = Field(description="Best first, each identity once")
    model: str = Field(description="Fingerprint of the model", examples=[MODEL_EXAMPLE])
    gallery_size: int = Field(description="Enrolled faces that were searched: N")
    timings_ms: dict[str, float] = Field(examples=[TIMINGS_EXAMPLE], description="Milliseconds of each stage")

    @classmethod
    def of(cls, found: SearchResult) -> "SearchAnswer":
        return cls(
            candidates=[Candidate.of(candidate) for candidate in found.candidates],
            model=found.model,
            gallery_size=found.gallery_size,
            **cls.fields_of(found.decision),
            timings_ms=rounded(found.timings_ms),
        )


class ComparedFace(DetectedFace):
    faces_found: int = Field(description="How many faces the picture has", examples=[1])


class VerifyAnswer(BaseModel):
    score: float = Field(description="Cosine similarity, -1 to 1")
    distance: float = Field(description="Euclidean distance, 0 to 2")
    matched: bool = Field(description="Whether the score reaches the threshold")
    threshold: float = Field(description="The one that was used", examples=[0.3675])
    fmr: float = Field(description="The policy: share of pairs of strangers that may match")
    estimated_fmr: float = Field(description="Share of pairs of strangers that reach the threshold used")
    fmr_trusted: bool = Field(description="Whether what was measured reaches so far")
    calibration: Kind = Field(description="By what the threshold was worked out")
    model: str = Field(
        description="Fingerprint of the model that made the embeddings", examples=[MODEL_EXAMPLE]
    )
    faces: list[ComparedFace] = Field(
        description="The face of each picture that was compared, in the order of the pictures"
    )
    face_id: UUID | None = Field(
        description="The identity's face that came nearest; null between two pictures"
    )
    timings_ms: dict[str, float] = Field(description="Milliseconds of each stage", examples=[TIMINGS_EXAMPLE])

    @classmethod
    def of(cls, verification: Verification) -> "VerifyAnswer":
        decision = verification.decision
        return cls(
            score=round(verification.score, 6),
            distance=round(verification.distance, 6),
            matched=verification.matched,
            threshold=round(decision.threshold, 6),
            fmr=decision.target,
            estimated_fmr=_rate(decision.estimate.fpir),
            fmr_trusted=decision.estimate.trusted,
            calibration=decision.calibration,
            model=verification.model,
            faces=[
                ComparedFace(**DetectedFace.fields_of(face.seen), faces_found=face.found)
                for face in verification.faces
            ],
            face_id=verification.face_id,
            timings_ms=rounded(verification.timings_ms),
        )


class DetectAnswer(BaseModel):
    faces: list[DetectedFace] = Field(description="The largest first")
    faces_found: int = Field(description="How many faces the picture has, asked for or not", examples=[2])
    width_px: int = Field(examples=[800], description="Of the picture as its EXIF says to show it")
    height_px: int = Field(description="Of the picture as its EXIF says to show it", examples=[600])
    timings_ms: dict[str, float] = Field(description="Milliseconds of each stage", examples=[TIMINGS_EXAMPLE])


def _rate(rate: float) -> float:
    """Of four digits: it is not known better."""
    return float(f"{rate:.4g}")


def rounded(timings: dict[str, float]) -> dict[str, float]:
    return {stage: round(milliseconds, 3) for stage, milliseconds in timings.items()}
