"""Decides whether a burst of frames shows a living person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

import numpy as np

from indexer.attributes.heads.liveness.decision import THRESHOLD
from indexer.attributes.reader import AttributeReader
from indexer.calibration.active import ActiveCalibration
from indexer.calibration.threshold.decision import decide_pair
from indexer.liveness import challenges
from indexer.liveness.clip import frames_of_clip
from indexer.liveness.evidence import (
    MIN_DISTINCT,
    MIN_JUDGED,
    WORST,
    PassiveLiveness,
    combine,
    count_distinct,
)
from indexer.liveness.frames import Frame, FrameFace, measure
from indexer.liveness.movements import OF_THE_HEAD, Movement, answers, movements_of
from indexer.pipeline.pipeline import Pipeline
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Attribute, OnSeveralFaces

MIN_FRAMES, MAX_FRAMES = 3, 10


@dataclass(frozen=True, slots=True)
class Clip:
    data: bytes
    """An MP4 or WebM file."""


class Verdict(StrEnum):
    LIVE = "live"
    ATTACK = "attack"
    CANNOT_TELL = "cannot_tell"


class Reason(StrEnum):
    """Why a burst does not count as live."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    NOT_LIVE = "not_live"
    DIFFERENT_PEOPLE = "different_people"
    FRAMES_DISAGREE = "frames_disagree"
    TOO_FEW_JUDGED = "too_few_judged"
    STILL = "still"
    MOVEMENTS_NOT_SHOWN = "movements_not_shown"


ATTACKS = frozenset({Reason.NOT_LIVE, Reason.DIFFERENT_PEOPLE})
"""What a person before the lens does not do by mistake. With any other reason there is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePerson:
    score: float
    """Of the frame that resembles the first face least."""
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Movements:
    requested: list[Movement]
    shown: list[Movement] | None
    """In their order; None where the first frame is not frontal."""

    @property
    def passed(self) -> bool:
        return self.shown is not None and answers(self.shown, self.requested)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BurstLiveness:
    reasons: list[Reason]
    """None: live."""
    passive: PassiveLiveness | None
    """None where no frame could be judged."""
    same_person: SamePerson | None
    """None where fewer than two frames have a face."""
    distinct_frames: int
    movements: Movements | None
    """None without a challenge."""
    frames: list[Frame]
    audit_id: UUID | None
    timings_ms: dict[str, float]

    @property
    def verdict(self) -> Verdict:
        if not self.reasons:
            return Verdict.LIVE
        return Verdict.ATTACK if ATTACKS.intersection(self.reasons) else Verdict.CANNOT_TELL


def attributes_for(*, challenge: bool) -> list[Attribute]:
    """Without the eyes, which are needed only where `close_eyes` was drawn."""
    return [Attribute.LIVENESS, Attribute.POSE] if challenge else [Attribute.LIVENESS]


def measurable(reader: AttributeReader) -> Sequence[Movement]:
    """The movements that can be drawn here: closing the eyes needs a network of its own."""
    eyes = Attribute.EYES
    return tuple(Movement) if reader.is_permitted(eyes) and reader.is_available(eyes) else OF_THE_HEAD


def check_burst(
    pipeline: Pipeline,
    calibration: ActiveCalibration,
    reader: AttributeReader,
    database: Database,
    shown: Sequence[bytes] | Clip,
    *,
    fmr: float,
    token: str | None = None,
    several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
) -> BurstLiveness:
    """`shown`: pictures of one webcam in their order, or a clip of it. `fmr`: by which all frames must show
    the same person. `token`: of a challenge, which is used from now on, whatever comes of it.

    Raises AttributeNotPermitted, AttributeUnavailable, ChallengeNotFound, ChallengeExpired, ChallengeUsed,
    EmbeddingUnusable, Busy, and what `Pipeline.detect` and `ClipDecoder.decode` raise."""
    watch = Stopwatch()
    attributes = attributes_for(challenge=token is not None)
    reader.check(attributes)
    with watch.stage(Stage.DATABASE):
        requested = None if token is None else challenges.redeem(database, token)
    if requested is not None and Movement.CLOSE_EYES in requested:
        reader.check([Attribute.EYES])
        attributes.append(Attribute.EYES)
    if isinstance(shown, Clip):
        frames = frames_of_clip(
            pipeline,
            reader,
            shown.data,
            attributes,
            several_faces,
            watch,
            most=MAX_FRAMES,
            requested=requested,
        )
    else:
        frames = measure(pipeline, reader, shown, attributes, several_faces, watch)
    threshold = decide_pair(calibration, fmr).threshold
    return _recorded(
        judge(pipeline, frames, watch, threshold=threshold, requested=requested), database, watch
    )


def judge(
    pipeline: Pipeline,
    frames: list[Frame],
    watch: Stopwatch,
    *,
    threshold: float,
    requested: list[Movement] | None = None,
) -> BurstLiveness:
    """Of measured frames, recorded nowhere. `threshold`: the least score of the same person. `requested`: the
    movements of a challenge.

    Raises EmbeddingUnusable, Busy."""
    faces = [frame.face for frame in frames if frame.face is not None]
    judged = [face.live for face in faces if face.live is not None]
    passive = combine(judged) if judged else None
    same = _same_person(pipeline, faces, threshold, watch)
    distinct = count_distinct([face.upright for face in faces])
    postures = [None if frame.face is None else frame.face.posture for frame in frames]
    movements = None
    if requested is not None:
        movements = Movements(requested=requested, shown=movements_of(postures))
    found = {
        Reason.NO_FACE: any(frame.faces_found == 0 for frame in frames),
        Reason.SEVERAL_FACES: any(frame.face is None and frame.faces_found > 1 for frame in frames),
        Reason.NOT_LIVE: passive is not None and passive.live < THRESHOLD,
        Reason.DIFFERENT_PEOPLE: same is not None and same.score < same.threshold,
        Reason.FRAMES_DISAGREE: passive is not None and passive.worst < WORST <= THRESHOLD <= passive.live,
        Reason.TOO_FEW_JUDGED: len(judged) < MIN_JUDGED,
        Reason.STILL: distinct < min(MIN_DISTINCT, len(faces)),
        Reason.MOVEMENTS_NOT_SHOWN: movements is not None and not movements.passed,
    }
    return BurstLiveness(
        reasons=[reason for reason, holds in found.items() if holds],
        passive=passive,
        same_person=same,
        distinct_frames=distinct,
        movements=movements,
        frames=frames,
        audit_id=None,
        timings_ms={},
    )


def _same_person(
    pipeline: Pipeline, faces: list[FrameFace], threshold: float, watch: Stopwatch
) -> SamePerson | None:
    if len(faces) < 2:
        return None
    vectors = pipeline.embed([face.aligned for face in faces], watch)
    return SamePerson(score=float(np.min(vectors[1:] @ vectors[0])), threshold=threshold)


def _recorded(burst: BurstLiveness, database: Database, watch: Stopwatch) -> BurstLiveness:
    """With the id of its event, which has figures and no pictures."""
    passive, same, movements = burst.passive, burst.same_person, burst.movements
    event = AuditEvent(
        action=Action.LIVENESS_CHECKED,
        details={
            "verdict": burst.verdict,
            "reasons": burst.reasons,
            "frames": len(burst.frames),
            "live": None if passive is None else round(passive.live, 4),
            "same_person_score": None if same is None else round(same.score, 4),
            "movements": None if movements is None else movements.requested,
            "shown": None if movements is None else movements.shown,
        },
    )
    with watch.stage(Stage.AUDIT), database.transaction() as session:
        record(session, event)
    audit_id = event.id if database.audit else None
    return replace(burst, audit_id=audit_id, timings_ms=watch.timings_ms())
