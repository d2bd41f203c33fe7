"""How well the heads tell age and gender."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.estimate import Estimate
from indexer.attributes.reader import AttributeReader
from indexer.errors import InvalidInput
from indexer.evaluation.attributes.age_labels import Labelled
from indexer.evaluation.intervals import RESAMPLES, Interval, draws, interval
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Attribute

REQUESTED = (Attribute.AGE, Attribute.GENDER)


class Answer(NamedTuple):
    """Of one picture. No estimates: no face was found, or the picture cannot be read."""

    label: Labelled
    age: Estimate | None
    gender: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Of some pictures."""

    pictures: int
    undetected: int
    """In which no face was found."""
    ages_estimated: int
    mae_years: float | None
    """Mean absolute error to the age, or to the middle of its group, where an age was estimated."""
    mae_interval: Interval | None
    bias_years: float | None
    in_interval: float | None
    """Share of those ages (or middles) that lay in the estimate's interval of 95 %."""
    gender_labelled: int
    genders_estimated: int
    gender_accuracy: float | None
    """Where a gender was estimated."""
    gender_accuracy_interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeResult:
    all: Errors
    groups: Mapping[str, Errors]
    """By group of ages and by gender."""
    cannot_tell: Mapping[str, Mapping[str, float]]
    """By attribute and reason: the share of all pictures; `no_face` too."""


def answers(
    pipeline: Pipeline,
    reader: AttributeReader,
    labelled: Sequence[Labelled],
    advance: Callable[[int], None],
) -> list[Answer]:
    """The largest face of each picture, as the service does it."""
    found = []
    for number, label in enumerate(labelled):
        watch = Stopwatch()
        try:
            photograph = pipeline.detect(label.file.read_bytes(), watch, max_faces=1)
            [estimates] = reader.read(photograph, REQUESTED, watch) or [{}]
        except InvalidInput:
            estimates = {}
        found.append(Answer(label, estimates.get("age"), estimates.get("gender")))
        advance(number + 1)
    return found


def measure(found: Sequence[Answer]) -> AgeResult:
    groups: dict[str, list[Answer]] = {}
    for answer in sorted(found, key=lambda answer: answer.label.years):
        groups.setdefault(answer.label.group, []).append(answer)
    for gender in ("female", "male"):
        if of_gender := [answer for answer in found if answer.label.gender == gender]:
            groups[gender] = of_gender
    return AgeResult(
        all=errors(found),
        groups={name: errors(members) for name, members in groups.items()},
        cannot_tell={
            "age": _abstentions([answer.age for answer in found]),
            "gender": _abstentions([answer.gender for answer in found]),
        },
    )


def errors(found: Sequence[Answer]) -> Errors:
    estimated = [answer for answer in found if answer.age is not None and answer.age.value is not None]
    off = np.array([_years(answer.age) - answer.label.years for answer in estimated])
    inside = [_covers(answer) for answer in estimated]
    labelled = [answer for answer in found if answer.label.gender is not None]
    gendered = [answer for answer in labelled if answer.gender is not None and answer.gender.value]
    right = np.array([float(_gender(answer) == answer.label.gender) for answer in gendered])
    return Errors(
        pictures=len(found),
        undetected=sum(answer.age is None for answer in found),
        ages_estimated=len(estimated),
        mae_years=_mean(np.abs(off)),
        mae_interval=_interval(np.abs(off)),
        bias_years=_mean(off),
        in_interval=_mean(np.array(inside, np.float64)),
        gender_labelled=len(labelled),
        genders_estimated=len(gendered),
        gender_accuracy=_mean(right),
        gender_accuracy_interval=_interval(right),
    )


def _years(estimate: Estimate | None) -> float:
    assert estimate is not None
    assert isinstance(estimate.value, float)
    return estimate.value


def _gender(answer: Answer) -> str | None:
    return None if answer.gender is None else str(answer.gender.value)


def _covers(answer: Answer) -> bool:
    assert answer.age is not None
    assert answer.age.interval is not None
    low, high = answer.age.interval
    return low <= answer.label.years <= high


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _interval(values: NDArray[np.float64]) -> Interval | None:
    """Each picture is a person of its own: these labels name nobody."""
    if not len(values):
        return None
    each = np.arange(len(values))
    return interval([float(values @ weights / weights.sum()) for weights in draws(each, RESAMPLES, 0)])


def _abstentions(estimates: Sequence[Estimate | None]) -> dict[str, float]:
    reasons = Counter(
        "no_face" if estimate is None else str(estimate.cannot_tell)
        for estimate in estimates
        if estimate is None or estimate.value is None
    )
    return {name: count / len(estimates) for name, count in sorted(reasons.items())}
