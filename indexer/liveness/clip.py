"""Which frames of a clip stand for the whole."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from indexer.attributes.reader import AttributeReader
from indexer.liveness.frames import Frame, measure
from indexer.liveness.movements import Posture, movement
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Attribute, OnSeveralFaces
from indexer.vision.clips.sampling import spread


def frames_of_clip(
    pipeline: Pipeline,
    reader: AttributeReader,
    clip: bytes,
    attributes: Sequence[Attribute],
    several_faces: OnSeveralFaces,
    watch: Stopwatch,
    *,
    most: int,
    challenge: bool,
) -> list[Frame]:
    """At most `most` frames, in their order. With a challenge every frame of the even sample is measured, and
    the clip's movements decide which of them stay; without one, frames at equal distances are measured.

    Raises what `ClipDecoder.decode` and `measure` raise."""
    with watch.stage(Stage.DECODE):
        pictures = pipeline.decoder.clips.decode(clip)
    if not challenge:
        pictures = spread(pictures, most)
    measured = measure(
        pipeline, reader, [picture.data for picture in pictures], attributes, several_faces, watch
    )
    frames = [replace(frame, at_ms=picture.at_ms) for frame, picture in zip(measured, pictures, strict=True)]
    begun = next((place for place, frame in enumerate(frames) if frame.face is not None), 0)
    frames = frames[begun:]  # a webcam that has just been opened shows nothing yet
    return [frames[place] for place in choose([_posture(frame) for frame in frames], most)]


def choose(postures: Sequence[Posture | None], most: int) -> list[int]:
    """Places of at most `most` frames: the first, against which movements are measured, and the last; the
    middle one of each movement; then what fills the longest gaps. `postures`: of each frame, None where it is
    not known."""
    count = len(postures)
    if count <= most:
        return list(range(count))
    chosen = {0, count - 1, *_middles(postures)[: most - 2]}
    while len(chosen) < most:
        places = sorted(chosen)
        gaps = [after - before for before, after in pairwise(places)]
        longest = gaps.index(max(gaps))
        chosen.add(places[longest] + gaps[longest] // 2)
    return sorted(chosen)


def _middles(postures: Sequence[Posture | None]) -> list[int]:
    """Of each run of frames that show one movement."""
    reference = postures[0]
    if reference is None:
        return []
    shown = [None if posture is None else movement(posture, reference) for posture in postures]
    middles = []
    for found, run in groupby(range(len(shown)), key=lambda place: shown[place]):
        places = list(run)
        if found is not None:
            middles.append(places[len(places) // 2])
    return middles


def _posture(frame: Frame) -> Posture | None:
    return None if frame.face is None else frame.face.posture
