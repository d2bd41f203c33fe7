"""FMR and FNMR of each group of people at one threshold, and the ratio of the worst group to the best.

The rates are those of ISO/IEC 19795-1, by group as in NIST's study of demographic effects (Grother et al.
2019, NISTIR 8280): impostor pairs are two people of the same group. Each person and each pair of people
counts once, as the mean of their image pairs: LFW has 530 images of one man, who would otherwise be half of
all genuine pairs of men. A pair with a face that was not found never matches.

Intervals: people are drawn (`intervals`), and a pair has the product of its people's weights, the vertex
bootstrap (Snijders and Borgatti 1999). A person drawn twice does not pair with themselves. With few errors
such intervals may be too narrow or too wide (Fogliato et al. 2024, arXiv:2306.01198).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidRequest
from indexer.evaluation.intervals import RESAMPLES, Interval, draws, interval, none_seen
from indexer.types import Vectors

_BLOCK = 512
_BINS = 20_000
"""Bins of scores from -1 to 1: a threshold is exact to 0.0001."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRates:
    group: str
    people: int
    images: int
    undetected: int
    people_with_pairs: int
    """People with several images, who have genuine pairs."""
    genuine_pairs: int
    """Pairs of images."""
    impostor_pairs: int
    """Pairs of images."""
    fmr: float | None
    """None if the group has only one person."""
    fmr_interval: Interval | None
    fnmr: float | None
    """None if nobody in the group has two images."""
    fnmr_interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The worst group's rate divided by the best group's."""

    worst: str
    best: str
    ratio: float | None
    """None if the best group's rate is 0."""
    interval: Interval | None
    """For these two groups. It may reach below 1: then the other group may be the worse one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessResult:
    threshold: float
    """A pair matches at or above it."""
    threshold_fmr: float | None
    """The FMR over all pairs of people that set the threshold; None if the threshold was given."""
    groups: tuple[GroupRates, ...]
    fmr_ratio: Ratio | None
    """None if fewer than two groups have the rate."""
    fnmr_ratio: Ratio | None
    seconds: float
    model: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Group:
    """The sums behind the rates of one group of p people."""

    failed: NDArray[np.float64]
    """Shape (p,): the share of each person's genuine pairs that do not match; NaN without pairs."""
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    """The people of each pair with a false match."""
    matched: NDArray[np.float64]
    """The share of that pair's image pairs that match."""

    def fnmr(self, weights: NDArray[np.int64]) -> float:
        with_pairs = ~np.isnan(self.failed)
        total = weights[with_pairs].sum()
        return float((weights * self.failed)[with_pairs].sum() / total) if total else float("nan")

    def fmr(self, weights: NDArray[np.int64]) -> float:
        pairs = (weights.sum() ** 2 - (weights**2).sum()) / 2
        matched = (weights[self.first] * weights[self.second] * self.matched).sum()
        return float(matched / pairs) if pairs else float("nan")


def threshold_at(vectors: Vectors, found: NDArray[np.bool_], people: NDArray[np.int64], fmr: float) -> float:
    """The lowest score, to 0.0001, that a share of at most `fmr` of the pairs of people reaches.

    `people` (n,): the person of each row. Each pair of people counts once. Raises InvalidRequest if there are
    fewer than two people.
    """
    _, people, images = np.unique(people, return_inverse=True, return_counts=True)
    if len(images) < 2:
        raise InvalidRequest("a false match rate needs at least two people")
    share = 1 / images[people]
    counts = np.zeros(_BINS, np.float64)
    for rows, scores in _blocks(vectors):
        weights = np.outer(share[rows], share)
        weights[(people[rows, np.newaxis] == people) | ~found[rows, np.newaxis] | ~found] = 0
        bins = np.clip((scores + 1) * (_BINS / 2), 0, _BINS - 1).astype(np.int64)
        counts += np.bincount(bins.ravel(), weights.ravel(), _BINS)
    reach = np.append(counts[::-1].cumsum()[::-1], 0.0) / (len(images) * (len(images) - 1))
    return round(float(np.argmax(reach <= fmr + 1e-12) / (_BINS / 2) - 1), 4)


def measure(
    vectors: Vectors,
    found: NDArray[np.bool_],
    people: NDArray[np.int64],
    groups: Sequence[str],
    *,
    threshold: float,
    threshold_fmr: float | None,
    seconds: float,
    model: str,
) -> FairnessResult:
    """`people` and `groups`: an integer and a name for each row of `vectors` (n, dimension)."""
    named = np.array(groups)
    rates: list[GroupRates] = []
    samples: list[tuple[list[float], list[float]]] = []
    for place, name in enumerate(sorted(set(groups))):
        rows = named == name
        group = _group(vectors[rows], found[rows], people[rows], threshold)
        fmrs, fnmrs = [], []
        everyone = np.arange(len(group.failed))
        for weights in draws(everyone, RESAMPLES, (0, place)):
            fmrs.append(group.fmr(weights))
            fnmrs.append(group.fnmr(weights))
        samples.append((fmrs, fnmrs))
        rates.append(_rates(name, group, found[rows], people[rows], fmrs, fnmrs))
    return FairnessResult(
        threshold=threshold,
        threshold_fmr=threshold_fmr,
        groups=tuple(rates),
        fmr_ratio=_ratio([(one.group, one.fmr) for one in rates], [sample[0] for sample in samples]),
        fnmr_ratio=_ratio([(one.group, one.fnmr) for one in rates], [sample[1] for sample in samples]),
        seconds=seconds,
        model=model,
    )


def _group(vectors: Vectors, found: NDArray[np.bool_], people: NDArray[np.int64], threshold: float) -> _Group:
    _, people, images = np.unique(people, return_inverse=True, return_counts=True)
    genuine = np.zeros(len(images))
    pairs: dict[int, int] = {}
    for rows, scores in _blocks(vectors):
        matches = (scores >= threshold) & found[rows, np.newaxis] & found
        left, right = np.nonzero(matches)
        left = left + rows.start
        left, right = left[left < right], right[left < right]  # each pair once, no face with itself
        same = people[left] == people[right]
        genuine += np.bincount(people[left[same]], minlength=len(images))
        one, other = people[left[~same]], people[right[~same]]
        keys = np.minimum(one, other) * len(images) + np.maximum(one, other)
        for key, count in zip(*np.unique(keys, return_counts=True), strict=True):
            pairs[int(key)] = pairs.get(int(key), 0) + int(count)
    of_person = images * (images - 1) / 2
    with np.errstate(invalid="ignore"):  # 0 of 0 pairs is NaN on purpose
        failed = 1 - genuine / of_person
    keys = np.array(list(pairs), np.int64)
    first, second = keys // len(images), keys % len(images)
    return _Group(
        failed=failed,
        first=first,
        second=second,
        matched=np.array(list(pairs.values()), np.float64) / (images[first] * images[second]),
    )


def _rates(
    name: str,
    group: _Group,
    found: NDArray[np.bool_],
    people: NDArray[np.int64],
    fmrs: list[float],
    fnmrs: list[float],
) -> GroupRates:
    images = np.unique(people, return_counts=True)[1]
    genuine = int((images * (images - 1) // 2).sum())
    everyone = np.ones(len(images), np.int64)
    fmr, fnmr = _known(group.fmr(everyone)), _known(group.fnmr(everyone))
    several = int((images > 1).sum())
    return GroupRates(
        group=name,
        people=len(images),
        images=len(people),
        undetected=int((~found).sum()),
        people_with_pairs=several,
        genuine_pairs=genuine,
        impostor_pairs=len(people) * (len(people) - 1) // 2 - genuine,
        fmr=fmr,
        # At most half as many pairs as people share nobody: only those are certainly independent.
        fmr_interval=none_seen(len(images) // 2) if fmr == 0 else interval(fmrs) if fmr else None,
        fnmr=fnmr,
        fnmr_interval=none_seen(several) if fnmr == 0 else interval(fnmrs) if fnmr else None,
    )


def _ratio(rates: list[tuple[str, float | None]], samples: list[list[float]]) -> Ratio | None:
    measured = [place for place, (_, rate) in enumerate(rates) if rate is not None]
    if len(measured) < 2:
        return None
    worst = max(measured, key=lambda place: rates[place][1] or 0.0)
    best = min(measured, key=lambda place: rates[place][1] or 0.0)
    high, low = rates[worst][1], rates[best][1]
    if not high or not low:
        return Ratio(worst=rates[worst][0], best=rates[best][0], ratio=None, interval=None)
    above, below = np.array(samples[worst]), np.array(samples[best])
    # A resample without an error in the best group has no ratio. Leaving it out narrows the interval.
    ratios = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return Ratio(worst=rates[worst][0], best=rates[best][0], ratio=high / low, interval=interval(ratios))


def _known(rate: float) -> float | None:
    return None if np.isnan(rate) else rate


def _blocks(vectors: Vectors) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yields the scores of a block of rows against all rows, shape (rows in the block, n)."""
    for start in range(0, len(vectors), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(vectors)))
        yield rows, vectors[rows] @ vectors.T
