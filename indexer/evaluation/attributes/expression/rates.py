"""Accuracy and confusion of expressions, with intervals by person.

Every picture counts. One without a face or without a value is a wrong answer, and so is every picture of an
expression that the network does not know.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.attributes.expression.outcomes import Outcome
from indexer.evaluation.attributes.shares import (
    CANNOT_TELL,
    NO_FACE,
    NO_VALUE,
    UNREADABLE,
    Shares,
    calibration_error,
    confidences,
    confusion,
    reasons,
    share_of,
)
from indexer.evaluation.intervals import Interval


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
    """As of `shares`."""
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
    confidence = confidences(outcome.estimate for outcome in outcomes)
    known = np.isin(true, expressions)
    shares = Shares([outcome.picture.person for outcome in outcomes])
    everything = np.ones(len(outcomes), np.bool_)
    names = sorted(set(true.tolist()))
    accuracy = shares.share(right, everything)
    balanced = shares.rate(lambda each: _balanced(right, true, names, each), everything)
    when_decided, of_known = shares.share(right, decided), shares.share(right, known)
    cannot_tell = shares.share(abstained, everything)
    answers = Counter(outcome.answer for outcome in outcomes)
    return ExpressionResult(
        pictures=len(outcomes),
        people=shares.people,
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
        cannot_tell_reasons=reasons(outcome.estimate for outcome in outcomes),
        no_face=answers[NO_FACE],
        unreadable=answers[UNREADABLE],
        mean_confidence=float(confidence[decided].mean()) if decided.any() else None,
        calibration_error=calibration_error(confidence[decided], right[decided]) if decided.any() else None,
        confusion=confusion(
            true.tolist(), [outcome.answer for outcome in outcomes], (*expressions, *NO_VALUE)
        ),
        seconds=seconds,
        model=model,
    )


def columns(result: ExpressionResult) -> list[str]:
    """The answers of `confusion` that are worth a column: all expressions, and what else there was."""
    rows = result.confusion.values()
    return [*result.expressions, *(each for each in NO_VALUE if any(row[each] for row in rows))]


def _balanced(
    right: NDArray[np.bool_], true: NDArray[np.str_], names: Sequence[str], weights: NDArray[np.int64]
) -> float:
    """A resample may lack an expression: the mean is over the others."""
    return float(np.nanmean([share_of(right, true == name, weights) for name in names]))
