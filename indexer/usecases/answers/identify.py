"""The answers of identify and of a search by an embedding."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer import request_timings
from indexer.records.enrolled.owners import Owner
from indexer.usecases.answers import ID_EXAMPLE, MODEL_EXAMPLE, TIMINGS_EXAMPLE, AuditId, rounded_timings
from indexer.usecases.answers.faces import DetectedFace
from indexer.usecases.answers.threshold import Threshold
from indexer.usecases.searches import results
from indexer.usecases.searches.match_limits import UnmatchedReason
from indexer.visitors.visit import VisitOutcome


class IdentityRef(BaseModel):
    id: UUID = Field(description="Given by Gemel", examples=[ID_EXAMPLE])
    external_id: str | None = Field(description="Your own id; null where there is none", examples=["4711"])
    name: str | None = Field(description="Null where there is none", examples=["Grace Hopper"])
    anonymous: bool = Field(
        description="Whether nobody has said who this is: a group of unnamed faces, or an unknown visitor",
        examples=[False],
    )
    hidden: bool = Field(description="Whether lists of identities leave it out", examples=[False])
    last_seen_at: datetime | None = Field(
        description="Of an unknown visitor, the last search that matched it; null where there was none",
        examples=[None],
    )

    @classmethod
    def of(cls, owner: Owner) -> "IdentityRef":
        return cls(
            id=owner.identity_id,
            external_id=owner.external_id,
            name=owner.name,
            anonymous=owner.anonymous,
            hidden=owner.hidden,
            last_seen_at=owner.last_seen_at,
        )


class Candidate(BaseModel):
    identity: IdentityRef = Field(description="The person whom the face resembles")
    score: float = Field(
        description="Cosine similarity, -1 to 1; 1 is the same picture. In a gallery with the `person_score`"
        " `fused`, of people with several faces: the mean of `face_score` and `template_score`",
        examples=[0.6412],
    )
    distance: float = Field(
        description="The score as the Euclidean distance of two embeddings, 0 to 2: sqrt(2 - 2 score)",
        examples=[0.8471],
    )
    matched: bool = Field(
        description="Whether the score reaches the threshold; in a photograph, never where its face has an"
        " `unmatched_reason`"
    )
    face_id: UUID = Field(description="The person's enrolled face that is nearest")
    face_score: float = Field(description="Cosine similarity to that face", examples=[0.6307])
    template_score: float | None = Field(
        description="Cosine similarity to the person template, the normalised mean of the person's faces;"
        " null where the score is that of the nearest face",
        examples=[0.6517],
    )
    template_faces: int | None = Field(
        description="Number of faces that the template is the mean of", examples=[3]
    )
    disputed: int = Field(
        description="How often somebody said of a match with one of the person's faces: not this person"
        " (`/v1/audit/{id}/disputes`)",
        examples=[0],
    )
    metadata: dict[str, Any] | None = Field(
        description="The person's, where the request says `include=metadata`; null otherwise",
        examples=[{"department": "computing"}],
    )

    @classmethod
    def of(cls, candidate: results.Candidate) -> "Candidate":
        owner, person = candidate.owner, candidate.person
        return cls(
            identity=IdentityRef.of(owner),
            score=round(candidate.score, 6),
            distance=round(candidate.distance, 6),
            matched=candidate.matched,
            face_id=owner.face_id,
            face_score=round(person.face_score, 6),
            template_score=None if person.template_score is None else round(person.template_score, 6),
            template_faces=person.faces,
            disputed=candidate.disputed,
            metadata=candidate.metadata,
        )


class Visitor(BaseModel):
    outcome: VisitOutcome = Field(
        description="`new`: the face matched nobody, and is an anonymous identity from now on; `seen`: it"
        " matched one; `face_added`: it matched one, and became another of its faces; `low_quality`: it"
        " matched nobody, and is not good enough to be remembered; `skipped`: it is not remembered, since"
        " PostgreSQL, the index or the gallery was not available in time",
        examples=["new"],
    )
    identity_id: UUID | None = Field(
        description="Id of the anonymous identity; null where there is none", examples=[ID_EXAMPLE]
    )


class ProbeFace(DetectedFace):
    unmatched_reason: UnmatchedReason | None = Field(
        description="Why none of the candidates is `matched`, whatever its score: by the gallery's policy the"
        " face is too small (`min_match_face_px`), too blurred (`min_match_sharpness`) or not recognisable"
        " (`max_match_miss_rate`), or, under the policy `reject` of `liveness`, it looks like a print or a"
        " screen (`not_live`) or cannot be judged (`liveness_unclear`); null where the scores decide",
        examples=[None],
    )
    candidates: list[Candidate] = Field(
        description="Best first, each identity once; of those that are `matched`, anonymous ones last"
    )
    visitor: Visitor | None = Field(
        description="What became of the face where the policy is to `remember_unknown`; null where there was"
        " nothing to remember"
    )


class IdentifyAnswer(Threshold):
    faces: list[ProbeFace] = Field(description="The largest first; empty where no face was found")
    faces_found: int = Field(description="How many faces the picture has, requested or not")
    model: str = Field(
        description="Fingerprint of the model that made the embeddings", examples=[MODEL_EXAMPLE]
    )
    gallery_size: int = Field(description="Enrolled faces of the gallery", examples=[1204])
    faces_searched: int = Field(
        description="Those of them that were searched: N, which the threshold follows. Fewer than"
        " `gallery_size` where the request has a filter",
        examples=[1204],
    )
    change_number: int = Field(
        description="Number of the gallery's last change that the search included, at least"
    )
    audit_id: AuditId
    timings_ms: dict[str, float] = Field(
        description=request_timings.description(),
        examples=[TIMINGS_EXAMPLE],
    )

    @classmethod
    def of(cls, identification: results.Identification) -> "IdentifyAnswer":
        return cls(
            faces=[
                ProbeFace(
                    **DetectedFace.fields_of(face.aligned, face.estimates),
                    unmatched_reason=face.unmatched_reason,
                    candidates=[Candidate.of(candidate) for candidate in face.candidates],
                    visitor=face.visit
                    and Visitor(outcome=face.visit.outcome, identity_id=face.visit.identity_id),
                )
                for face in identification.faces
            ],
            faces_found=identification.faces_found,
            model=identification.model,
            gallery_size=identification.gallery_size,
            faces_searched=identification.searched,
            change_number=identification.change_number,
            **cls.fields_of(identification.decision),
            audit_id=identification.audit_id,
            timings_ms=rounded_timings(identification.timings_ms),
        )


class SearchAnswer(Threshold):
    candidates: list[Candidate] = Field(
        description="Best first, each identity once; of those that are `matched`, anonymous ones last"
    )
    model: str = Field(description="Fingerprint of the model", examples=[MODEL_EXAMPLE])
    gallery_size: int = Field(description="Enrolled faces of the gallery", examples=[1204])
    faces_searched: int = Field(
        description="Those of them that were searched: N, which the threshold follows. Fewer than"
        " `gallery_size` where the request has a filter",
        examples=[1204],
    )
    change_number: int = Field(
        description="Number of the gallery's last change that the search included, at least"
    )
    audit_id: AuditId
    timings_ms: dict[str, float] = Field(
        description=request_timings.description(), examples=[TIMINGS_EXAMPLE]
    )

    @classmethod
    def of(cls, found: results.SearchResult) -> "SearchAnswer":
        return cls(
            candidates=[Candidate.of(candidate) for candidate in found.candidates],
            model=found.model,
            gallery_size=found.gallery_size,
            faces_searched=found.searched,
            change_number=found.change_number,
            **cls.fields_of(found.decision),
            audit_id=found.audit_id,
            timings_ms=rounded_timings(found.timings_ms),
        )
