"""What the service says about each presentation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from indexer.attributes.reader import AttributeReader
from indexer.errors import InvalidInput
from indexer.evaluation.attributes.liveness.presentations import Presentation, readable
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Attribute


class NoAnswer(StrEnum):
    """Why there is none, beside the reasons of the head."""

    UNREADABLE = "unreadable"
    NO_FACE = "no_face"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    presentation: Presentation
    scores: dict[str, float]
    """By name: `live` is the head's own, the others are those of its networks; each the probability of a
    person. Empty where there is no answer."""
    why_none: str | None
    """A `NoAnswer`, or the head's reason; None where there is an answer."""


def ask(
    pipeline: Pipeline,
    reader: AttributeReader,
    presentations: Sequence[Presentation],
    progress: Callable[[int], object] | None = None,
) -> list[Answer]:
    """Detects the largest face as the service does, and estimates its liveness. `progress` is called with the
    number of presentations that are done. Raises AttributeUnavailable, AttributeNotPermitted."""
    reader.check([Attribute.LIVENESS])
    answers = []
    for number, presentation in enumerate(presentations, start=1):
        answers.append(_ask(pipeline, reader, presentation))
        if progress:
            progress(number)
    return answers


def _ask(pipeline: Pipeline, reader: AttributeReader, presentation: Presentation) -> Answer:
    data = readable(presentation, pipeline.decoder)
    if data is None:
        return Answer(presentation=presentation, scores={}, why_none=NoAnswer.UNREADABLE)
    watch = Stopwatch()
    try:
        photograph = pipeline.detect(data, watch, max_faces=1)
    except InvalidInput:
        return Answer(presentation=presentation, scores={}, why_none=NoAnswer.UNREADABLE)
    if not photograph.faces:
        return Answer(presentation=presentation, scores={}, why_none=NoAnswer.NO_FACE)
    [estimates] = reader.read(photograph, [Attribute.LIVENESS], watch)
    estimate = estimates[Attribute.LIVENESS]
    return Answer(
        presentation=presentation,
        scores=dict(estimate.scores) if estimate.value is not None else {},
        why_none=estimate.cannot_tell,
    )
