"""Which frames of a clip stand for the whole."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from indexer.attributes.reader import AttributeReader
from indexer.liveness.frames import Frame, measure
from indexer.liveness.movements import Movement, Posture, deciding, last_open, shown_in
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
    requested: Sequence[Movement] | None,
) -> list[Frame]:
    """At most `most` frames, in their order. With a challenge, whose movements are `requested`, every frame
    of the even sample is measured, and the clip's movements decide which of them stay; without one, frames at
    equal distances are measured.

    Raises what `ClipDecoder.decode` and `measure` raise."""
    with watch.stage(Stage.DECODE):
        pictures = pipeline.decoder.clips.decode(clip)
    if requested is None:
        pictures = spread(pictures, most)
    measured = measure(
        pipeline, reader, [picture.data for picture in pictures], attributes, several_faces, watch
    )
    frames = [replace(frame, at_ms=picture.at_ms) for frame, picture in zip(measured, pictures, strict=True)]
    begun = next((place for place, frame in enumerate(frames) if frame.face is not None), 0)
    frames = frames[begun:]  # a webcam that has just been opened shows nothing yet
    return [frames[place] for place in choose([_posture(frame) for frame in frames], most, requested or ())]


def choose(postures: Sequence[Posture | None], most: int, requested: Sequence[Movement] = ()) -> list[int]:
    """Places of at most `most` frames. These answer a challenge if and only if all frames do.

    They are the first frame, against which movements are measured, the last one, and the last one with open
    eyes; then the middle frame of each movement that decides about the challenge; then those of the other
    movements, as far as there is room; then the frames that fill the longest gaps. `postures`: of each frame,
    None where it is not known. `most`: at least four more than a challenge has movements.
    """
    count = len(postures)
    if count <= most:
        return list(range(count))
    chosen = {0, count - 1, last_open(postures)}
    for place in _middles(postures, requested):
        if len(chosen) < most:
            chosen.add(place)
    while len(chosen) < most:
        places = sorted(chosen)
        gaps = [after - before for before, after in pairwise(places)]
        longest = gaps.index(max(gaps))
        chosen.add(places[longest] + gaps[longest] // 2)
    return sorted(chosen)


def _middles(postures: Sequence[Posture | None], requested: Sequence[Movement]) -> list[int]:
    """The middle place of each movement; first those of the movements that decide about the challenge."""
    shown = shown_in(postures)
    decide = deciding([found for found, _ in shown], requested)
    others = [number for number in range(len(shown)) if number not in decide]
    middles = [places[len(places) // 2] for _, places in shown]
    return [middles[number] for number in (*decide, *others)]


def _posture(frame: Frame) -> Posture | None:
    return None if frame.face is None else frame.face.posture
