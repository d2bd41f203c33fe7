"""Estimates the expression of every picture, through the pipeline that serves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.attributes.estimate import Estimate
from indexer.attributes.head import FaceView
from indexer.attributes.heads.expression import ExpressionHead
from indexer.errors import InvalidInput
from indexer.evaluation.attributes.expression.data import LabelledPicture
from indexer.evaluation.attributes.shares import CANNOT_TELL, NO_FACE, UNREADABLE
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Image
from indexer.vision.align import ARCFACE_112, align


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of one picture."""

    picture: LabelledPicture
    answer: str
    """An expression, or `CANNOT_TELL`, `NO_FACE` or `UNREADABLE`."""
    estimate: Estimate | None
    """None without a face."""

    @property
    def is_right(self) -> bool:
        return self.answer == self.picture.expression

    @property
    def is_decided(self) -> bool:
        return self.estimate is not None and self.estimate.value is not None


def collect(
    pipeline: Pipeline,
    head: ExpressionHead,
    pictures: Sequence[LabelledPicture],
    progress: Callable[[int], object],
) -> list[Outcome]:
    """Of each picture's largest face, in their order. `progress` is called with the number that are done."""
    done = []
    for picture in pictures:
        done.append(_outcome(pipeline, head, picture))
        progress(len(done))
    return done


def _outcome(pipeline: Pipeline, head: ExpressionHead, picture: LabelledPicture) -> Outcome:
    try:
        photograph = pipeline.detect(picture.file.read_bytes(), Stopwatch(), max_faces=1)
    except (InvalidInput, OSError):
        return Outcome(picture=picture, answer=UNREADABLE, estimate=None)
    if not photograph.faces:
        return Outcome(picture=picture, answer=NO_FACE, estimate=None)
    [found] = photograph.faces
    [estimate] = head.estimate([FaceView.of(photograph, found)])
    answer = CANNOT_TELL if estimate.value is None else str(estimate.value)
    return Outcome(picture=picture, answer=answer, estimate=estimate)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """A picture of the report."""

    outcome: Outcome
    face: Image
    """Aligned, as the head took it in."""


def examples(pipeline: Pipeline, measured: Sequence[Outcome], *, each: int, seed: int = 0) -> list[Example]:
    """Up to `each` right and `each` wrong answers of every expression with a face, drawn at random; the right
    ones first."""
    rng = np.random.default_rng(seed)
    chosen = []
    for expression in sorted({outcome.picture.expression for outcome in measured}):
        for right in (True, False):
            fitting = [
                outcome
                for outcome in measured
                if outcome.picture.expression == expression
                and outcome.is_right == right
                and outcome.estimate is not None
            ]
            order = rng.permutation(len(fitting))[:each]
            chosen += [Example(outcome=fitting[n], face=_face(pipeline, fitting[n])) for n in order]
    return chosen


def _face(pipeline: Pipeline, outcome: Outcome) -> Image:
    photograph = pipeline.detect(outcome.picture.file.read_bytes(), Stopwatch(), max_faces=1)
    landmarks = photograph.faces[0].face.landmarks_for(ARCFACE_112)
    return align(photograph.pixels, landmarks, ARCFACE_112, divisor=photograph.divisor)
