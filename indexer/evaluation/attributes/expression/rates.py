"""Accuracy and confusion of expressions, with intervals by person.

Every picture counts. One without a face or without a value is a wrong answer, and so is every picture of an
expression that the network does not know.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.attributes.expression.outcomes import CANNOT_TELL, NO_FACE, UNREADABLE, Outcome
from indexer.evaluation.intervals import RESAMPLES, Interval, draws, interval_of

NO_EXPRESSION = (CANNOT_TELL, NO_FACE, UNREADABLE)

BINS = 10
"""Of confidence, for the calibration error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionResult:
    pictures: int
    people: int
    accuracy: float
    """The share of all pictures with the right value."""
    accuracy_interval: Interval | None
    balanced_accuracy: float
    """The mean of the shares of right values over the expressions of the data."""
    balanced_accuracy_interval: Interval | None
    accuracy_when_decided: float | None
    """The share of right values among the pictures with a value; None if there is no value."""
    accuracy_when_decided_interval: Interval | None
    accuracy_of_known: float | None
    """The accuracy over the pictures of expressions that the network knows; None if there are none."""
    accuracy_of_known_interval: Interval | None
    expressions: tuple[str, ...]
    """Those that the network knows."""
    unknown: tuple[str, ...]
    """Expressions of the data that the network does not know."""
    cannot_tell: float
    """The share of all pictures with a face but without a value."""
    cannot_tell_interval: Interval | None
    cannot_tell_reasons: dict[str, int]
    no_face: int
    unreadable: int
    mean_confidence: float | None
    """Of the values: it should be `accuracy_when_decided`."""
    calibration_error: float | None
    """Expected calibration error (Naeini et al. 2015): the mean distance, over ten bins of confidence with
    their number of values as weights, between the mean confidence and the share of right values."""
    confusion: dict[str, dict[str, int]]
    """Number of pictures by true expression, then by answer."""
    seconds: float
    model: str


def measure(
    outcomes: Sequence[Outcome], expressions: Sequence[str], *, seconds: float, model: str
) -> ExpressionResult:
    """`outcomes`: at least one. `expressions`: what the head knows."""
    true = np.array([outcome.picture.expression for outcome in outcomes])
    right = np.array([outcome.is_right for outcome in outcomes])
    decided = np.array([outcome.is_decided for outcome in outcomes])
    abstained = np.array([outcome.answer == CANNOT_TELL for outcome in outcomes])
    confidence = np.array(
        [outcome.estimate.confidence or 0.0 if outcome.estimate else 0.0 for outcome in outcomes]
    )
    known = np.isin(true, expressions)
    _, people = np.unique([outcome.picture.person for outcome in outcomes], return_inverse=True)
    weights = [np.ones(len(outcomes), np.int64), *draws(people, RESAMPLES, 0)]

    def rate(of: Callable[[NDArray[np.int64]], float]) -> tuple[float, Interval | None]:
        value, *resampled = (of(each) for each in weights)
        return value, interval_of(value, resampled, int(people.max()) + 1)

    def share(hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> tuple[float, Interval | None]:
        return rate(lambda each: _share(hits, among, each))

    everything = np.ones(len(outcomes), np.bool_)
    names = sorted(set(true.tolist()))
    accuracy, balanced = share(right, everything), rate(lambda each: _balanced(right, true, names, each))
    when_decided, of_known, cannot_tell = (
        share(right, decided),
        share(right, known),
        share(abstained, everything),
    )
    answers = Counter(outcome.answer for outcome in outcomes)
    return ExpressionResult(
        pictures=len(outcomes),
        people=int(people.max()) + 1,
        accuracy=accuracy[0],
        accuracy_interval=accuracy[1],
        balanced_accuracy=balanced[0],
        balanced_accuracy_interval=balanced[1],
        accuracy_when_decided=when_decided[0] if decided.any() else None,
        accuracy_when_decided_interval=when_decided[1] if decided.any() else None,
        accuracy_of_known=of_known[0] if known.any() else None,
        accuracy_of_known_interval=of_known[1] if known.any() else None,
        expressions=tuple(expressions),
        unknown=tuple(name for name in names if name not in expressions),
        cannot_tell=cannot_tell[0],
        cannot_tell_interval=cannot_tell[1],
        cannot_tell_reasons=_reasons(outcomes),
        no_face=answers[NO_FACE],
        unreadable=answers[UNREADABLE],
        mean_confidence=float(confidence[decided].mean()) if decided.any() else None,
        calibration_error=calibration_error(confidence[decided], right[decided]) if decided.any() else None,
        confusion=_confusion(outcomes, names, (*expressions, *NO_EXPRESSION)),
        seconds=seconds,
        model=model,
    )


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """As of `ExpressionResult`; both of shape (n,), n at least 1."""
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, right - confidence, BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def columns(result: ExpressionResult) -> list[str]:
    """The answers of `confusion` that are worth a column: all expressions, and what else there was."""
    rows = result.confusion.values()
    return [*result.expressions, *(each for each in NO_EXPRESSION if any(row[each] for row in rows))]


def _share(hits: NDArray[np.bool_], among: NDArray[np.bool_], weights: NDArray[np.int64]) -> float:
    total = weights[among].sum()
    return float(weights[among & hits].sum() / total) if total else float("nan")


def _balanced(
    right: NDArray[np.bool_], true: NDArray[np.str_], names: Sequence[str], weights: NDArray[np.int64]
) -> float:
    """A resample may lack an expression: the mean is over the others."""
    return float(np.nanmean([_share(right, true == name, weights) for name in names]))


def _reasons(outcomes: Sequence[Outcome]) -> dict[str, int]:
    reasons = Counter(
        outcome.estimate.cannot_tell.value
        for outcome in outcomes
        if outcome.estimate is not None and outcome.estimate.cannot_tell is not None
    )
    return dict(reasons.most_common())


def _confusion(
    outcomes: Sequence[Outcome], names: Sequence[str], answers: Sequence[str]
) -> dict[str, dict[str, int]]:
    counted = Counter((outcome.picture.expression, outcome.answer) for outcome in outcomes)
    return {name: {answer: counted[name, answer] for answer in answers} for name in names}
