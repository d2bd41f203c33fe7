"""Bursts of frames, and challenges."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from indexer import request_timings
from indexer.attributes.estimate import CannotTell
from indexer.liveness import burst
from indexer.liveness.burst import MAX_FRAMES, MIN_FRAMES, BurstLiveness, Reason, Verdict
from indexer.liveness.challenges import DEFAULT_MOVEMENTS, MAX_MOVEMENTS, MIN_MOVEMENTS, Challenge
from indexer.liveness.frames import Frame
from indexer.liveness.movements import Movement
from indexer.types import OnSeveralFaces
from indexer.usecases.answers import ID_EXAMPLE
from service.requests.bodies import ClipBytes, ImageBytes, UploadBody
from service.schemas.people.requests import SeveralFaces

_DRAWN = "Zp4bq0c1vT3mXkYwEr7uLh2sNd9aGf5oJi8eQx6yWzA"
_ORDER = ["turn_left", "come_nearer", "look_up"]

MovementList = Annotated[
    list[Movement],
    Field(description="In their order. Left and right are the person's own", examples=[_ORDER]),
]


class DrawChallenge(BaseModel):
    movements: int = Field(
        default=DEFAULT_MOVEMENTS,
        ge=MIN_MOVEMENTS,
        le=MAX_MOVEMENTS,
        description="How many movements to draw. Of 3 there are 80 orders, and 150 with `close_eyes`",
    )


class DrawnChallenge(BaseModel):
    token: str = Field(description="For `POST /v1/liveness`, once", examples=[_DRAWN])
    movements: MovementList
    expires_at: datetime = Field(description="60 seconds after it was drawn")

    @classmethod
    def of(cls, challenge: Challenge) -> "DrawnChallenge":
        return cls(token=challenge.token, movements=challenge.movements, expires_at=challenge.expires_at)


class Burst(UploadBody):
    kept_blank = frozenset({"token"})
    """A client whose token was lost must not hear `live` without the movements."""

    frames: list[ImageBytes] = Field(
        default=[],
        min_length=MIN_FRAMES,
        max_length=MAX_FRAMES,
        description="Pictures of one webcam, in the order in which they were taken, not mirrored",
    )
    clip: ClipBytes | None = Field(
        default=None,
        description="Instead of `frames`: a clip of one webcam, of at most 30 seconds, 3840 x 2160 pixels and"
        " 1,800 frames, not mirrored",
    )
    token: str | None = Field(
        default=None,
        max_length=100,
        description="Of a challenge: the first frame looks into the lens, and the others show its"
        " movements, each in one frame or more. The token is used up by this request",
    )
    several_faces: SeveralFaces = OnSeveralFaces.REJECT

    @model_validator(mode="after")
    def check_source(self) -> Self:
        if bool(self.frames) == (self.clip is not None):
            raise ValueError("send either frames or a clip")
        return self

    @property
    def shown(self) -> list[bytes] | burst.Clip:
        return self.frames if self.clip is None else burst.Clip(self.clip)


class SamePerson(BaseModel):
    score: float = Field(description="Of the frame that resembles the first least", examples=[0.71])
    threshold: float = Field(description="Below it, the frames show different people", examples=[0.38])


class Movements(BaseModel):
    passed: bool = Field(description="Whether the frames show the movements that were drawn, in their order")
    requested: MovementList
    shown: list[Movement] | None = Field(
        description="What the frames show, in their order; null where the first frame does not look into the"
        " lens",
        examples=[_ORDER],
    )


class FrameAnswer(BaseModel):
    faces_found: int = Field(description="How many faces the frame has", examples=[1])
    live: float | None = Field(
        description="Probability of a person; null without a face, or where the head cannot tell",
        examples=[0.97],
    )
    cannot_tell: CannotTell | None = Field(default=None, description="Why `live` is null")
    at_ms: int | None = Field(
        default=None, description="Of a clip: milliseconds since its beginning", examples=[1200]
    )
    yaw: float | None = Field(
        default=None,
        description="Degrees, with a challenge; positive: to the right of the picture",
        examples=[-24.5],
    )
    pitch: float | None = Field(
        default=None, description="Degrees, with a challenge; positive: down", examples=[3.1]
    )
    size: float | None = Field(
        default=None,
        description="Height of the face as a share of the picture's, with a challenge",
        examples=[0.41],
    )
    eyes_closed: float | None = Field(
        default=None,
        description="Probability that both eyes are closed, with a challenge that has `close_eyes`",
        examples=[0.03],
    )

    @classmethod
    def of(cls, frame: Frame) -> "FrameAnswer":
        face = frame.face
        if face is None:
            return cls(faces_found=frame.faces_found, at_ms=frame.at_ms, live=None)
        posture = face.posture
        return cls(
            faces_found=frame.faces_found,
            live=None if face.live is None else round(face.live, 4),
            cannot_tell=face.cannot_tell,
            at_ms=frame.at_ms,
            yaw=None if posture is None else round(posture.yaw, 1),
            pitch=None if posture is None else round(posture.pitch, 1),
            size=None if posture is None else round(posture.size, 3),
            eyes_closed=None
            if posture is None or posture.eyes_closed is None
            else round(posture.eyes_closed, 4),
        )


class BurstAnswer(BaseModel):
    verdict: Verdict = Field(
        description="`live`: nothing speaks against a person. `attack`: a reason `not_live` or"
        " `different_people`. Let nobody in by anything but `live`",
        examples=["live"],
    )
    reasons: list[Reason] = Field(description="Why it is not `live`; empty otherwise", examples=[[]])
    live: float | None = Field(
        description="Probability of a person, by the mean of the frames' log-odds; null where no frame could"
        " be judged",
        examples=[0.98],
    )
    worst: float | None = Field(description="Of the worst frame", examples=[0.91])
    same_person: SamePerson | None = Field(description="null where fewer than two frames have a face")
    distinct_frames: int = Field(
        description="Frames that are not views of one flat picture: at least 3, or the burst is `still`",
        examples=[5],
    )
    challenge: Movements | None = Field(description="null without a token")
    frames: list[FrameAnswer] = Field(
        description="One for each frame of the request, or for each one that was chosen of the clip"
    )
    audit_id: UUID | None = Field(
        description="Id of its event in the audit record; null where that is off", examples=[ID_EXAMPLE]
    )
    timings_ms: dict[str, float] = Field(
        description=request_timings.description(),
        examples=[{"decode": 31.0, "detect": 82.5, "attributes": 120.4}],
    )

    @classmethod
    def of(cls, found: BurstLiveness) -> "BurstAnswer":
        passive, same, movements = found.passive, found.same_person, found.movements
        return cls(
            verdict=found.verdict,
            reasons=found.reasons,
            live=None if passive is None else round(passive.live, 4),
            worst=None if passive is None else round(passive.worst, 4),
            same_person=None if same is None else _same(same),
            distinct_frames=found.distinct_frames,
            challenge=None if movements is None else _movements(movements),
            frames=[FrameAnswer.of(frame) for frame in found.frames],
            audit_id=found.audit_id,
            timings_ms=found.timings_ms,
        )


def _same(same: burst.SamePerson) -> SamePerson:
    return SamePerson(score=round(same.score, 4), threshold=round(same.threshold, 4))


def _movements(movements: burst.Movements) -> Movements:
    return Movements(passed=movements.passed, requested=movements.requested, shown=movements.shown)
