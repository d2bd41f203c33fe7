"""The answer of identify in several galleries."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from indexer import request_timings
from indexer.usecases.answers import MODEL_EXAMPLE, TIMINGS_EXAMPLE, AuditId, rounded_timings
from indexer.usecases.answers.faces import DetectedFace
from indexer.usecases.answers.identify import Candidate
from indexer.usecases.answers.threshold import Threshold
from indexer.usecases.identify_in_several import GalleryIdentification
from indexer.usecases.searches import results
from indexer.usecases.searches.match_limits import UnmatchedReason


class GalleryCandidate(Candidate):
    gallery: str = Field(description="The gallery that the person is enrolled in", examples=["staff"])
    unmatched_reason: UnmatchedReason | None = Field(
        description="Why nobody of the gallery is `matched`, whatever the score, by its policy; null"
        " where the scores decide",
        examples=[None],
    )


class GalleryProbeFace(DetectedFace):
    candidates: list[GalleryCandidate] = Field(
        description="Of all galleries, at most `max_candidates` of each, by how far the score is above the"
        " threshold of the gallery: scores of different models do not compare"
    )


class SearchedGallery(Threshold):
    gallery: str = Field(description="Name", examples=["staff"])
    model: str = Field(
        description="Fingerprint of the model that it was searched with", examples=[MODEL_EXAMPLE]
    )
    gallery_size: int = Field(description="Enrolled faces of the gallery", examples=[1204])
    faces_searched: int = Field(
        description="Those of them that were searched: N, which the threshold follows", examples=[1204]
    )
    audit_id: AuditId

    @classmethod
    def of(cls, gallery: str, found: results.Identification) -> "SearchedGallery":
        return cls(
            gallery=gallery,
            model=found.model,
            gallery_size=found.gallery_size,
            faces_searched=found.searched,
            **cls.fields_of(found.decision),
            audit_id=found.audit_id,
        )


class IdentifyInSeveralAnswer(BaseModel):
    faces: list[GalleryProbeFace] = Field(description="The largest first; empty where no face was found")
    faces_found: int = Field(description="How many faces the picture has, requested or not")
    galleries: list[SearchedGallery] = Field(description="In the order of the request")
    timings_ms: dict[str, float] = Field(
        description=request_timings.description(), examples=[TIMINGS_EXAMPLE]
    )

    @classmethod
    def of(cls, found: Sequence[GalleryIdentification]) -> "IdentifyInSeveralAnswer":
        first, last = found[0].identification, found[-1].identification
        return cls(
            faces=[_face(found, number) for number in range(len(first.faces))],
            faces_found=first.faces_found,
            galleries=[SearchedGallery.of(one.gallery, one.identification) for one in found],
            timings_ms=rounded_timings(last.timings_ms),
        )


def _face(found: Sequence[GalleryIdentification], number: int) -> GalleryProbeFace:
    candidates: list[tuple[float, GalleryCandidate]] = []
    for one in found:
        face = one.identification.faces[number]
        candidates += [
            (
                candidate.score - one.identification.decision.threshold,
                GalleryCandidate(
                    **Candidate.of(candidate).model_dump(),
                    gallery=one.gallery,
                    unmatched_reason=face.unmatched_reason,
                ),
            )
            for candidate in face.candidates
        ]
    candidates.sort(key=lambda pair: -pair[0])
    first = found[0].identification.faces[number]
    return GalleryProbeFace(
        **DetectedFace.fields_of(first.aligned, first.estimates),
        candidates=[candidate for _, candidate in candidates],
    )
