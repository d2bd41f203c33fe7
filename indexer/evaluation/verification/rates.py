"""The rates of verification: accuracy, TAR at FAR, equal error rate.

The protocol is LFW's View 2, "unrestricted, labelled outside data" (Huang and Learned-Miller 2014,
UM-CS-2014-003): ten folds; the threshold of each fold is the best one on the other nine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidRequest
from indexer.evaluation.intervals import RESAMPLES, Interval, draws, interval
from indexer.evaluation.lfw import Pair
from indexer.pipeline.embed_files import NO_SCORE, Embeddings

FARS = (0.01, 0.001)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trials:
    """Scored pairs; each field has the shape (n,)."""

    scores: NDArray[np.float32]
    """Cosine; NO_SCORE if either face was not found."""
    matched: NDArray[np.bool_]
    folds: NDArray[np.int64]
    people: NDArray[np.int64] | None = None
    """Shape (n, 2): the people of the two images. Without them there are no intervals."""

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Trials":
        """Without `people`."""
        return Trials(scores=self.scores[chosen], matched=self.matched[chosen], folds=self.folds[chosen])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Roc:
    """One point per distinct score as the threshold, in falling order, after a point that accepts no pair."""

    thresholds: NDArray[np.float64]
    """A pair is accepted at or above it. The first is infinite."""
    far: NDArray[np.float64]
    """Share of the mismatched pairs that are accepted."""
    tar: NDArray[np.float64]
    """Share of the matched pairs that are accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationResult:
    accuracy: float
    """Mean over the folds of the share of pairs that are decided correctly."""
    accuracy_se: float
    """Standard error of that mean: the standard deviation of the folds (n - 1) over the square root of n."""
    tar_at_far: dict[str, float]
    """The true accept rate, by the highest false accept rate allowed."""
    tar_interval: dict[str, Interval | None]
    """95 %, bootstrap by identity; each resample has its own threshold."""
    eer: float
    """Equal error rate."""
    pairs: int
    undetected: int
    """Images without an embedding. Their pairs count, as rejected."""
    seconds: float
    model: str
    """Its fingerprint."""


def compare(embeddings: Embeddings, pairs: Sequence[Pair]) -> Trials:
    first, first_found = embeddings.of([pair.first for pair in pairs])
    second, second_found = embeddings.of([pair.second for pair in pairs])
    cosines = np.einsum("nd,nd->n", first, second)
    return Trials(
        scores=np.where(first_found & second_found, cosines, np.float32(NO_SCORE)),
        matched=np.array([pair.matched for pair in pairs], np.bool_),
        folds=np.array([pair.fold for pair in pairs], np.int64),
        people=np.unique(
            [[pair.first.parent.name, pair.second.parent.name] for pair in pairs], return_inverse=True
        )[1].reshape(-1, 2),
    )


def measure(trials: Trials, *, undetected: int, seconds: float, model: str) -> VerificationResult:
    """Raises InvalidRequest if there are fewer than two folds, or pairs of one kind only."""
    accuracies = fold_accuracies(trials)
    curve = roc(trials)
    return VerificationResult(
        accuracy=float(accuracies.mean()),
        accuracy_se=float(accuracies.std(ddof=1) / np.sqrt(len(accuracies))),
        tar_at_far={str(far): tar_at_far(curve, far) for far in FARS},
        tar_interval=tar_intervals(trials),
        eer=equal_error_rate(curve),
        pairs=len(trials.scores),
        undetected=undetected,
        seconds=seconds,
        model=model,
    )


def roc(trials: Trials) -> Roc:
    """Raises InvalidRequest if there are no matched or no mismatched pairs."""
    matched = int(trials.matched.sum())
    mismatched = len(trials.matched) - matched
    if not matched or not mismatched:
        raise InvalidRequest("verification needs matched and mismatched pairs")
    order = np.argsort(-trials.scores, kind="stable")
    scores = trials.scores[order].astype(np.float64)
    # Equal scores are accepted together: only the last pair of each run is a point.
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    accepted_matched = np.cumsum(trials.matched[order])[last]
    return Roc(
        thresholds=np.append(np.inf, scores[last]),
        far=np.append(0.0, (last + 1 - accepted_matched) / mismatched),
        tar=np.append(0.0, accepted_matched / matched),
    )


def fold_accuracies(trials: Trials) -> NDArray[np.float64]:
    """Shape (folds,): the accuracy on each fold at the threshold that is best on all other folds.

    Raises InvalidRequest as `measure` does.
    """
    folds = np.unique(trials.folds)
    if len(folds) < 2:
        raise InvalidRequest(
            "verification needs at least two folds: the threshold of one is chosen on the others"
        )
    accuracies = []
    for fold in folds:
        inside = trials.folds == fold
        tested = trials.where(inside)
        accepted = tested.scores >= best_threshold(trials.where(~inside))
        accuracies.append((accepted == tested.matched).mean())
    return np.array(accuracies, np.float64)


def best_threshold(trials: Trials) -> float:
    """The threshold of the highest accuracy; of several, the strictest. A pair without a score never
    passes it."""
    curve = roc(trials)
    share_matched = trials.matched.mean()
    accuracy = curve.tar * share_matched + (1 - curve.far) * (1 - share_matched)
    accuracy[curve.thresholds <= NO_SCORE] = 0.0
    return float(curve.thresholds[np.argmax(accuracy)])


def tar_at_far(curve: Roc, far: float) -> float:
    """At the lowest threshold that a share of at most `far` of the mismatched pairs reaches."""
    return float(curve.tar[np.searchsorted(curve.far, far, side="right") - 1])


def tar_intervals(trials: Trials, resamples: int = RESAMPLES) -> dict[str, Interval | None]:
    """The intervals of `tar_at_far` at each of `FARS`.

    People are drawn. A pair of one person has the person's weight, a pair of two people the product of their
    weights (the vertex bootstrap, Snijders and Borgatti 1999).
    """
    if trials.people is None:
        return {str(far): None for far in FARS}
    order = np.argsort(-trials.scores, kind="stable")
    matched = trials.matched[order]
    first, second = trials.people[order].T
    last = np.append(np.flatnonzero(np.diff(trials.scores[order])), len(order) - 1)
    tars: list[list[float]] = []
    for drawn in draws(np.arange(trials.people.max() + 1), resamples, 0):
        weights = np.where(matched, drawn[first], drawn[first] * drawn[second])
        accepted = np.cumsum(weights * matched)
        alarms = np.cumsum(weights * ~matched)[last]
        if not accepted[-1] or not alarms[-1]:
            continue
        tar = np.append(0.0, accepted[last] / accepted[-1])
        tars.append([float(tar[np.searchsorted(alarms / alarms[-1], far, side="right")]) for far in FARS])
    columns = np.array(tars, np.float64).reshape(-1, len(FARS)).T
    return {str(far): interval(column) for far, column in zip(FARS, columns, strict=True)}


def equal_error_rate(curve: Roc) -> float:
    """Where the false accept rate equals the false reject rate, with linear interpolation between the
    points of the curve."""
    gap = curve.far - (1 - curve.tar)  # rises from -1 to 1
    after = int(np.argmax(gap >= 0))
    share = gap[after] / (gap[after] - gap[after - 1])
    return float(curve.far[after] - share * (curve.far[after] - curve.far[after - 1]))
