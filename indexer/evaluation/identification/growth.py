"""How rank-1 and FNIR change as the gallery grows, with synthetic strangers enrolled beside the real people.

The probes stay those of the open set. Each step adds strangers of `distractors` to the gallery, so that the
curve is of one gallery that grows. A second measurement tells how far the synthetic ones can be trusted: half
of the real strangers are enrolled beside the people, and once as many synthetic ones in their stead.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.identification.distractors import Crowd, fit
from indexer.evaluation.identification.rates import Searches, measure, search_vectors
from indexer.evaluation.intervals import Interval
from indexer.evaluation.open_set import Roles
from indexer.types import Vectors

FPIR = 0.01
SIZES = (3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_PROBES = 1024
"""That are compared with a block of strangers at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPoint:
    gallery: int
    """Enrolled in all."""
    real: int
    synthetic: int
    rank1: float
    rank1_interval: Interval | None
    fnir: float
    """At FPIR 1 %, with the threshold that this takes at this size."""
    fnir_interval: Interval | None
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    points: tuple[GrowthPoint, ...]
    fitted_people: int
    """Whose embeddings the synthetic strangers were fitted to."""
    with_real: GrowthPoint | None
    """Half of the real strangers enrolled; the other half are the non-mated probes. None where there are
    fewer than two."""
    with_synthetic: GrowthPoint | None
    """As many synthetic ones enrolled instead, the same probes."""


def grow(
    vectors: Vectors,
    found: NDArray[np.bool_],
    roles: Roles,
    sizes: Sequence[int] = SIZES,
    *,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> Growth:
    """`sizes`: of the gallery; those not above the real one are passed over. `progress` is told how many
    synthetic strangers are searched. The memory does not grow with them.

    Raises InvalidRequest as `distractors.fit` does.
    """
    one_each = np.concatenate(
        [roles.gallery, roles.nonmated[np.unique(roles.strangers, return_index=True)[1]]]
    )
    crowd = fit(vectors[one_each[found[one_each]]])
    real = len(roles.gallery)
    sizes = sorted({size for size in sizes if size > real})
    searches = search_vectors(vectors, found, roles)
    points = [_point(searches, real, 0)]
    if sizes:
        steps = [size - real for size in sizes]
        blocks = _stepped(crowd.blocks(steps[-1], seed), steps)
        for enrolled, larger in _enlarged(searches, vectors, found, roles, blocks):
            if progress:
                progress(enrolled)
            if enrolled in steps:
                points.append(_point(larger, real, enrolled))
    with_real, with_synthetic = _validated(vectors, found, roles, crowd, seed)
    return Growth(
        points=tuple(points),
        fitted_people=crowd.people,
        with_real=with_real,
        with_synthetic=with_synthetic,
    )


def _validated(
    vectors: Vectors, found: NDArray[np.bool_], roles: Roles, crowd: Crowd, seed: int
) -> tuple[GrowthPoint | None, GrowthPoint | None]:
    strangers, first = np.unique(roles.strangers, return_index=True)
    if len(strangers) < 2:
        return None, None
    chosen = np.random.default_rng(seed).permutation(len(strangers))[: len(strangers) // 2]
    left = ~np.isin(roles.strangers, strangers[chosen])
    probes = replace(roles, nonmated=roles.nonmated[left], strangers=roles.strangers[left])
    enrolled = roles.nonmated[first[chosen]]
    searches = search_vectors(vectors, found, probes)
    real = len(roles.gallery)

    def with_these(blocks: Iterable[Vectors]) -> Searches:
        *_, (_, larger) = _enlarged(searches, vectors, found, probes, blocks)
        return larger

    return (
        _point(with_these([vectors[enrolled[found[enrolled]]]]), real + len(enrolled), 0),
        # Another seed than the curve's: what is compared here was not drawn there.
        _point(with_these(crowd.blocks(len(enrolled), seed + 1)), real, len(enrolled)),
    )


def _enlarged(
    searches: Searches,
    vectors: Vectors,
    found: NDArray[np.bool_],
    roles: Roles,
    blocks: Iterable[Vectors],
) -> Iterator[tuple[int, Searches]]:
    """After each block of strangers is enrolled: how many they are, and what the probes found then."""
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


def _stepped(blocks: Iterator[Vectors], steps: Sequence[int]) -> Iterator[Vectors]:
    """The same vectors, cut where a step ends."""
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
