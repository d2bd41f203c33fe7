"""FMR and FNMR of each group of people at one threshold, and how far apart the groups are. Not who is whom.

Both rates as in ISO/IEC 19795-1, by group as in NIST's study of demographic effects (Grother et al. 2019,
NISTIR 8280): impostor pairs are of two people of one group. Every person counts once and so does every pair
of people, as the mean of their image pairs: LFW has 530 images of one man, who would be half of the genuine
pairs of men. A pair with a face that was not found never matches.

Intervals: whole people are drawn (`bootstrap`); a pair of people counts as often as both are drawn, which is
the vertex bootstrap (Snijders and Borgatti 1999). Pairs of one person with himself, drawn twice, are left
out. Where errors are few such intervals may be too narrow or too wide (Fogliato et al. 2024,
arXiv:2306.01198).
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
"""Of scores from -1 to 1: a threshold is exact to 0.0001."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRates:
    group: str
    people: int
    images: int
    undetected: int
    people_with_pairs: int
    """Who have several images, and so genuine pairs."""
    genuine_pairs: int
    """Of images."""
    impostor_pairs: int
    """Of images."""
    fmr: float | None
    """None where the group has one person only."""
    fmr_interval: Interval | None
    fnmr: float | None
    """None where nobody of the group has two images."""
    fnmr_interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Of the worst group's rate to the best one's."""

    worst: str
    best: str
    ratio: float | None
    """None where the best group's rate is 0."""
    interval: Interval | None
    """Of these two groups; it may reach below 1, where the other may be the worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessResult:
    threshold: float
    """A pair matches at or above it."""
    threshold_fmr: float | None
    """The FMR over all pairs of people of any groups that set the threshold; None where it was given."""
    groups: tuple[GroupRates, ...]
    fmr_ratio: Ratio | None
    """None where fewer than two groups have the rate."""
    fnmr_ratio: Ratio | None
    seconds: float
    model: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Group:
    """The sums that the rates of one group are made of, by its people (p,)."""

    failed: NDArray[np.float64]
    """Share of each person's genuine pairs that do not match; not a number without any."""
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    matched: NDArray[np.float64]
    """Each pair of people with a false match, and the share of its image pairs that match."""

    def fnmr(self, weights: NDArray[np.int64]) -> float:
        with_pairs = ~np.isnan(self.failed)
        total = weights[with_pairs].sum()
        return float((weights * self.failed)[with_pairs].sum() / total) if total else float("nan")

    def fmr(self, weights: NDArray[np.int64]) -> float:
        pairs = (weights.sum() ** 2 - (weights**2).sum()) / 2
        matched = (weights[self.first] * weights[self.second] * self.matched).sum()
        return float(matched / pairs) if pairs else float("nan")


def threshold_at(vectors: Vectors, found: NDArray[np.bool_], people: NDArray[np.int64], fmr: float) -> float:
    """The least score, to 0.0001, that a share of at most `fmr` of the pairs of two people reaches.

    `people` (n,): whose each row is. Every pair of people counts once. Raises InvalidRequest where there are
    not two people.
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
    """`people` and `groups`, a number and a name for each row of `vectors` (n, dimension)."""
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
        left, right = left[left < right], right[left < right]  # each pair once, none with itself
        same = people[left] == people[right]
        genuine += np.bincount(people[left[same]], minlength=len(images))
        one, other = people[left[~same]], people[right[~same]]
        keys = np.minimum(one, other) * len(images) + np.maximum(one, other)
        for key, count in zip(*np.unique(keys, return_counts=True), strict=True):
            pairs[int(key)] = pairs.get(int(key), 0) + int(count)
    of_person = images * (images - 1) / 2
    with np.errstate(invalid="ignore"):  # 0 of 0 pairs is not a number, on purpose
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
        # Half as many pairs as people have nobody in common: only so many are surely independent.
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
    # A draw without an error in the best group has no ratio; it is left out, which narrows the interval.
    ratios = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return Ratio(worst=rates[worst][0], best=rates[best][0], ratio=high / low, interval=interval(ratios))


def _known(rate: float) -> float | None:
    return None if np.isnan(rate) else rate


def _blocks(vectors: Vectors) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Scores of a block of rows with all, shape (rows in the block, n)."""
    for start in range(0, len(vectors), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(vectors)))
        yield rows, vectors[rows] @ vectors.T
