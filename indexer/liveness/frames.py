"""Measures the frames of a burst, one after another: only what is needed of a frame is kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from indexer.attributes.estimate import CannotTell, Estimates
from indexer.attributes.head import FaceView
from indexer.attributes.heads.eyes.head import CLOSED
from indexer.attributes.heads.liveness.decision import LIVE
from indexer.attributes.reader import AttributeReader
from indexer.errors import InvalidInput
from indexer.liveness.movements import Posture
from indexer.pipeline.pipeline import AlignedFace, Photograph, Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Attribute, Image, OnSeveralFaces


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameFace:
    """The face of a frame."""

    aligned: AlignedFace
    upright: Image
    """At the template of all models, shape (side, side, 3)."""
    live: float | None
    """Probability; None where the head cannot tell."""
    cannot_tell: CannotTell | None
    posture: Posture | None
    """None where it was not requested or cannot be measured."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    face: FrameFace | None
    """None where there is none, or one among several."""
    faces_found: int
    at_ms: int | None = None
    """Since the beginning of a clip; None for a picture."""


def measure(
    pipeline: Pipeline,
    reader: AttributeReader,
    pictures: Sequence[bytes],
    attributes: Collection[Attribute],
    several_faces: OnSeveralFaces,
    watch: Stopwatch,
) -> list[Frame]:
    """`attributes`: liveness, and the pose, perhaps with the eyes, if a posture is needed.

    Raises Busy, and what `Pipeline.detect` raises; an error of a picture names it."""
    frames = []
    for number, picture in enumerate(pictures):
        try:
            frames.append(_frame(pipeline, reader, picture, attributes, several_faces, watch))
        except InvalidInput as error:
            error.details["field"] = f"frames.{number}"
            raise
    return frames


def _frame(
    pipeline: Pipeline,
    reader: AttributeReader,
    picture: bytes,
    attributes: Collection[Attribute],
    several_faces: OnSeveralFaces,
    watch: Stopwatch,
) -> Frame:
    """A function of its own, so that its pixels are freed before the next frame is decoded."""
    face = None
    with reader.turn(attributes, watch):
        photograph = pipeline.detect(picture, watch, max_faces=1)
        if photograph.faces and not photograph.is_ambiguous(several_faces):
            [estimates] = reader.estimate(photograph, attributes, watch)
            face = _face(photograph, estimates)
    return Frame(face=face, faces_found=photograph.faces_found)


def _face(photograph: Photograph, estimates: Estimates) -> FrameFace:
    aligned = photograph.faces[0]
    liveness = estimates[Attribute.LIVENESS]
    return FrameFace(
        aligned=aligned,
        upright=FaceView.of(photograph, aligned).aligned(),
        live=None if liveness.value is None else liveness.scores[LIVE],
        cannot_tell=liveness.cannot_tell,
        posture=_posture(photograph, aligned, estimates),
    )


def _posture(photograph: Photograph, aligned: AlignedFace, estimates: Estimates) -> Posture | None:
    pose = estimates.get(Attribute.POSE)
    if pose is None or pose.value is None:
        return None
    return Posture(
        yaw=pose.scores["yaw"],
        pitch=pose.scores["pitch"],
        size=aligned.face.box.height / photograph.height_px,
        eyes_closed=None if (eyes := estimates.get(Attribute.EYES)) is None else eyes.scores.get(CLOSED),
    )
