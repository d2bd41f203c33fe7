"""How rank-1 and FNIR change as the gallery grows by synthetic distractors.

The probes are those of the open set at every size. Each step adds distractors to the same gallery. A second
measurement checks whether the synthetic distractors are realistic: half of the real strangers are enrolled,
then as many synthetic distractors in their place, with the same probes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.identification.distractors import FaceDistribution, fit
from indexer.evaluation.identification.rates import Searches, measure, search
from indexer.evaluation.intervals import Interval
from indexer.evaluation.open_set import Roles
from indexer.types import Vectors

FPIR = 0.01
SIZES = (3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_PROBES = 1024
"""Number of probes that are compared with a block of distractors at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPoint:
    gallery: int
    """Number enrolled, real and synthetic."""
    real: int
    synthetic: int
    rank1: float
    rank1_interval: Interval | None
    fnir: float
    """At an FPIR of 1 %, with the threshold for this size."""
    fnir_interval: Interval | None
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    points: tuple[GrowthPoint, ...]
    fitted_people: int
    """Number of people whose embeddings the distractors are fitted to."""
    with_real: GrowthPoint | None
    """Half of the real strangers are enrolled; the other half are the non-mated probes. None if there are
    fewer than two strangers."""
    with_synthetic: GrowthPoint | None
    """As many synthetic distractors enrolled instead, with the same probes."""


def grow(
    vectors: Vectors,
    found: NDArray[np.bool_],
    roles: Roles,
    sizes: Sequence[int] = SIZES,
    *,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> Growth:
    """`sizes`: of the gallery; sizes up to the real one are skipped. `progress` is called with the number of
    distractors searched. Memory does not grow with that number.

    Raises InvalidRequest as `distractors.fit` does.
    """
    one_each = np.concatenate(
        [roles.gallery, roles.nonmated[np.unique(roles.strangers, return_index=True)[1]]]
    )
    distribution = fit(vectors[one_each[found[one_each]]])
    real = len(roles.gallery)
    sizes = sorted({size for size in sizes if size > real})
    searches = search(vectors, found, roles)
    points = [_point(searches, real, 0)]
    if sizes:
        steps = [size - real for size in sizes]
        blocks = _cut_at(distribution.blocks(steps[-1], seed), steps)
        for enrolled, larger in _enlarged(searches, vectors, found, roles, blocks):
            if progress:
                progress(enrolled)
            if enrolled in steps:
                points.append(_point(larger, real, enrolled))
    with_real, with_synthetic = _compared_with_real(vectors, found, roles, distribution, seed)
    return Growth(
        points=tuple(points),
        fitted_people=distribution.people,
        with_real=with_real,
        with_synthetic=with_synthetic,
    )


def _compared_with_real(
    vectors: Vectors, found: NDArray[np.bool_], roles: Roles, distribution: FaceDistribution, seed: int
) -> tuple[GrowthPoint | None, GrowthPoint | None]:
    strangers, first = np.unique(roles.strangers, return_index=True)
    if len(strangers) < 2:
        return None, None
    chosen = np.random.default_rng(seed).permutation(len(strangers))[: len(strangers) // 2]
    remaining = ~np.isin(roles.strangers, strangers[chosen])
    probes = replace(roles, nonmated=roles.nonmated[remaining], strangers=roles.strangers[remaining])
    enrolled = roles.nonmated[first[chosen]]
    searches = search(vectors, found, probes)
    real = len(roles.gallery)

    def enlarged_by(blocks: Iterable[Vectors]) -> Searches:
        *_, (_, larger) = _enlarged(searches, vectors, found, probes, blocks)
        return larger

    return (
        _point(enlarged_by([vectors[enrolled[found[enrolled]]]]), real + len(enrolled), 0),
        # Another seed than the curve's, so that the two measurements are independent.
        _point(enlarged_by(distribution.blocks(len(enrolled), seed + 1)), real, len(enrolled)),
    )


def _enlarged(
    searches: Searches,
    vectors: Vectors,
    found: NDArray[np.bool_],
    roles: Roles,
    blocks: Iterable[Vectors],
) -> Iterator[tuple[int, Searches]]:
    """Yields the number of strangers enrolled, and the searches, after each block of strangers."""
    other, nonmated = searches.other.copy(), searches.nonmated.copy()
    enrolled = 0
    for block in blocks:
        for best, probes in ((other, roles.mated), (nonmated, roles.nonmated)):
            for start in range(0, len(probes), _PROBES):
                rows = probes[start : start + _PROBES]
                scores = (vectors[rows] @ block.T).max(axis=1, initial=-1.0)
                part = best[start : start + _PROBES]
                np.maximum(part, scores, out=part, where=found[rows])
        enrolled += len(block)
        yield enrolled, replace(searches, other=other, nonmated=nonmated)


def _cut_at(blocks: Iterator[Vectors], steps: Sequence[int]) -> Iterator[Vectors]:
    """The same vectors, cut at the end of each step."""
    done = 0
    for block in blocks:
        cuts = [step - done for step in steps if done < step < done + len(block)]
        yield from np.split(block, cuts)
        done += len(block)


def _point(searches: Searches, real: int, synthetic: int) -> GrowthPoint:
    result = measure(searches, gallery=real + synthetic, undetected=0, seconds=0.0, model="")
    return GrowthPoint(
        gallery=real + synthetic,
        real=real,
        synthetic=synthetic,
        rank1=result.rank1,
        rank1_interval=result.rank1_interval,
        fnir=result.fnir_at_fpir[str(FPIR)],
        fnir_interval=result.fnir_interval[str(FPIR)],
        threshold=result.threshold_at_fpir[str(FPIR)],
    )
