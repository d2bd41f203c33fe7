"""Measures that all attributes with categories share: shares of labelled pictures with intervals by person,
the calibration error of confidences, the reasons for missing values, and confusion matrices."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.estimate import Estimate
from indexer.evaluation.intervals import RESAMPLES, Interval, draws, interval_of

CANNOT_TELL, NO_FACE, UNREADABLE = "cannot_tell", "no_face", "unreadable"
NO_VALUE = (CANNOT_TELL, NO_FACE, UNREADABLE)
"""Answers that are no value. They are wrong answers."""

BINS = 10
"""Of confidence, for the calibration error."""


class Shares:
    """Shares of pictures, with intervals that take the pictures of one person together."""

    def __init__(self, people: Sequence[str]) -> None:
        """`people`: the person of each picture; at least one picture."""
        _, self._people = np.unique(people, return_inverse=True)
        self._weights = [np.ones(len(people), np.int64), *draws(self._people, RESAMPLES, 0)]
        self.people = int(self._people.max()) + 1
        """How many people there are."""

    def share(self, hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> tuple[float, Interval | None]:
        """The share of `hits` in `among` with its interval; both of shape (n,). NaN if `among` is empty."""
        return self.rate(lambda weights: share_of(hits, among, weights), among)

    def rate(
        self, of: Callable[[NDArray[np.int64]], float], among: NDArray[np.bool_]
    ) -> tuple[float, Interval | None]:
        """A rate with its interval. `of`: computes it from the number of times that each picture counts,
        shape (n,). `among`, shape (n,): the pictures that it depends on."""
        value, *resampled = map(of, self._weights)
        return value, interval_of(value, resampled, len(np.unique(self._people[among])))


def share_of(hits: NDArray[np.bool_], among: NDArray[np.bool_], weights: NDArray[np.int64]) -> float:
    """The share of `hits` in `among`, each picture counted `weights` times; all of shape (n,). NaN if `among`
    is empty."""
    total = weights[among].sum()
    return float(weights[among & hits].sum() / total) if total else float("nan")


def confidences(estimates: Iterable[Estimate | None]) -> NDArray[np.float64]:
    """The confidence of each estimate, shape (n,); 0 where there is none."""
    return np.array([estimate.confidence or 0.0 if estimate else 0.0 for estimate in estimates])


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error (Naeini et al. 2015): the mean distance, over ten bins of confidence with
    their number of values as weights, between the mean confidence and the share of right values. Both of
    shape (n,), n at least 1."""
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, right - confidence, BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def reasons(estimates: Iterable[Estimate | None]) -> dict[str, int]:
    """Why there is no value, the most frequent reason first."""
    found = (estimate.cannot_tell for estimate in estimates if estimate is not None)
    return dict(Counter(reason.value for reason in found if reason is not None).most_common())


def confusion(
    labels: Sequence[str], answers: Sequence[str], columns: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Number of pictures by label, in alphabetical order, then by answer, in the order of `columns`."""
    counted = Counter(zip(labels, answers, strict=True))
    return {label: {answer: counted[label, answer] for answer in columns} for label in sorted(set(labels))}
