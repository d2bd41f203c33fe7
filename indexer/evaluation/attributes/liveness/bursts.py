"""Bursts of a test: sequences of frames of people and of attacks, and what they are judged to be."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from indexer.attributes.reader import AttributeReader
from indexer.errors import InvalidInput, InvalidRequest
from indexer.evaluation.attributes.liveness.answers import Answer, NoAnswer
from indexer.evaluation.attributes.liveness.presentations import (
    BONA_FIDE,
    FAKE,
    REAL,
    SUFFIXES,
    Presentation,
)
from indexer.liveness.burst import MAX_FRAMES, MIN_FRAMES, BurstLiveness, Verdict, judge
from indexer.liveness.frames import measure
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Attribute, OnSeveralFaces
from indexer.vision.attacks.kinds import ATTACKS
from indexer.vision.attacks.place import as_jpeg

VERDICT, MEAN, FIRST = "verdict", "mean_of_frames", "first_frame"
"""Ways to decide: the verdict of a burst, the mean of its frames alone, its first frame alone."""
DEFAULT_FRAMES, DEFAULT_SPACING = 5, 6
_PRINT = "print_"
_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstPresentation:
    kind: str
    """`BONA_FIDE`, or a kind of attack."""
    files: tuple[Path, ...]
    """In their order, 3 to 10."""
    attack: str | None = None
    """Of `ATTACKS`: made from the files."""


def read_bursts(
    folder: Path, *, frames: int = DEFAULT_FRAMES, spacing: int = DEFAULT_SPACING, synthetic: bool = False
) -> list[BurstPresentation]:
    """Those of `folder/real/CLIP` and `folder/fake/KIND/CLIP`, in order. Each folder with pictures is a
    sequence, in the order of the numbers in its files' names. One of at most 10 frames is a burst; a longer
    one is cut into bursts of `frames`, `spacing` frames apart from each other, without a frame in two bursts.
    `synthetic`: also each of `ATTACKS` made from each burst of a person.

    Raises InvalidRequest if there are no bursts of people, or none of attacks."""
    real = [
        BurstPresentation(kind=BONA_FIDE, files=cut)
        for sequence in _sequences(folder / REAL)
        for cut in cut_bursts(sequence, frames, spacing)
    ]
    fake = folder / FAKE
    bursts = real + [
        BurstPresentation(kind=_kind(sequence[0].parent, fake), files=cut)
        for sequence in _sequences(fake)
        for cut in cut_bursts(sequence, frames, spacing)
    ]
    if synthetic:
        bursts += [
            BurstPresentation(kind=f"synthetic_{attack}", files=burst.files, attack=attack)
            for attack in ATTACKS
            for burst in real
        ]
    if not real or len(bursts) == len(real):
        raise InvalidRequest(
            f"{folder} needs folders of frames of people in `{REAL}/`, and of attacks in `{FAKE}/KIND/` or"
            f" --synthetic; a burst has {MIN_FRAMES} frames or more"
        )
    return bursts


def cut_bursts(sequence: Sequence[Path], frames: int, spacing: int) -> Iterator[tuple[Path, ...]]:
    """`frames`: of a burst, 3 to 10. What is left at the end makes bursts of a smaller spacing."""
    if len(sequence) <= MAX_FRAMES:
        if len(sequence) >= MIN_FRAMES:
            yield tuple(sequence)
        return
    for start in range(0, len(sequence), frames * spacing):
        part = sequence[start : start + frames * spacing]
        step = len(part) // frames
        yield from (tuple(part[first::step][:frames]) for first in range(step))


def ask_bursts(
    pipeline: Pipeline,
    reader: AttributeReader,
    bursts: Sequence[BurstPresentation],
    threshold: float,
    progress: Callable[[int], object] | None = None,
) -> list[Answer]:
    """Judges each burst as the service does, without a challenge. `threshold`: the least score of the same
    person. An answer has a score for each way to decide; a verdict is 1 for `live`, 0 for `attack`, and none
    where it cannot tell.

    Raises AttributeUnavailable, AttributeNotPermitted."""
    reader.check([Attribute.LIVENESS])
    answers = []
    for number, burst in enumerate(bursts, start=1):
        answers.append(_ask(pipeline, reader, burst, threshold))
        if progress:
            progress(number)
    return answers


def _ask(pipeline: Pipeline, reader: AttributeReader, burst: BurstPresentation, threshold: float) -> Answer:
    presentation = Presentation(kind=burst.kind, file=burst.files[0], attack=burst.attack)
    watch = Stopwatch()
    try:
        pictures = list(_pictures(burst, pipeline))
        frames = measure(pipeline, reader, pictures, [Attribute.LIVENESS], OnSeveralFaces.LARGEST, watch)
    except (InvalidInput, OSError):
        return Answer(presentation=presentation, scores={}, why_none=NoAnswer.UNREADABLE)
    judged = judge(pipeline, frames, watch, threshold=threshold)
    unclear = judged.verdict is Verdict.CANNOT_TELL
    return Answer(
        presentation=presentation,
        scores=_scores(judged),
        why_none=" and ".join(judged.reasons) if unclear else None,
    )


def _scores(judged: BurstLiveness) -> dict[str, float]:
    scores = {}
    if judged.verdict is not Verdict.CANNOT_TELL:
        scores[VERDICT] = float(judged.verdict is Verdict.LIVE)
    if judged.passive is not None:
        scores[MEAN] = judged.passive.live
    first = judged.frames[0].face
    if first is not None and first.live is not None:
        scores[FIRST] = first.live
    return scores


def _pictures(burst: BurstPresentation, pipeline: Pipeline) -> Iterator[bytes]:
    """A print is one picture that is held in other ways; a screen stays and plays the frames."""
    if burst.attack is None:
        yield from (file.read_bytes() for file in burst.files)
        return
    is_print = burst.attack.startswith(_PRINT)
    for number, file in enumerate(burst.files):
        source = burst.files[0] if is_print else file
        pixels = pipeline.decoder.decode(source.read_bytes()).pixels
        held = number if is_print else 0
        seed = crc32(f"{burst.attack} {burst.files[0].name} {held}".encode())
        yield as_jpeg(ATTACKS[burst.attack](pixels, np.random.default_rng(seed)))


def _sequences(folder: Path) -> Iterator[list[Path]]:
    """Of each folder that has pictures itself."""
    if not folder.is_dir():
        return
    for place in sorted({folder, *(path for path in folder.rglob("*") if path.is_dir())}):
        files = [path for path in place.iterdir() if path.suffix.lower() in SUFFIXES]
        if files:
            yield sorted(files, key=_in_order)


def _in_order(file: Path) -> list[tuple[int, str]]:
    """9 comes before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBER.split(file.name)]


def _kind(place: Path, fake: Path) -> str:
    parts = place.relative_to(fake).parts
    return parts[0] if parts else FAKE
