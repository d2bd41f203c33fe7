"""The search of an index among some people."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks import face_vectors
from indexer.index import tiers
from indexer.index.build import AddBatch, RecallRequirement, build
from indexer.index.searcher import CHUNK, FaissSearcher
from indexer.index.selections.selection import Selection
from indexer.types import Owners, Tier, Vectors

_REQUIREMENT = RecallRequirement(genuine_cosines=[0.3, 0.66, 0.9], threshold=0.4, min_recall=0.0)


def measure(faces: int, searches: int, shares: Sequence[float]) -> None:
    vectors = face_vectors.gallery(faces, 1)
    owners = np.arange(1, faces + 1, dtype=np.int64)
    print("tier     selected    first    later      all  ms, plain scan  recall@1")
    for tier in (Tier.EXACT, Tier.EXACT_FP16, Tier.COMPACT):
        searcher = _searcher(tier, vectors, owners)
        for share in shares:
            _row(searcher, vectors, owners, share, searches)
        del searcher


def _row(searcher: FaissSearcher, vectors: Vectors, owners: Owners, share: float, searches: int) -> None:
    rng = np.random.default_rng(2)
    chosen = np.sort(rng.choice(len(owners), max(1, round(share * len(owners))), replace=False))
    selection = Selection(owners[chosen])
    kept = tiers.rounded(searcher.tier, vectors[chosen])
    mates = kept[rng.integers(len(chosen), size=searches)]
    probes = face_vectors.probes(mates, 3)
    first = _milliseconds(partial(searcher.search_identities, probes[:1], 5, selection))
    later, everybody, plain, found = [], [], [], 0
    for number in range(searches):
        probe = probes[number : number + 1]
        later.append(_milliseconds(partial(searcher.search_identities, probe, 5, selection)))
        everybody.append(_milliseconds(partial(searcher.search_identities, probe, 5)))
        best = searcher.search_identities(probe, 5, selection).keys[0, 0]
        plain.append(_milliseconds(partial(_plain_scan, kept, probe[0])))
        found += int(best == owners[chosen[_plain_scan(kept, probe[0])]])
    print(
        f"{searcher.tier:10} {len(chosen):>9,} {first:8.2f} {np.median(later):8.2f}"
        f" {np.median(everybody):8.2f} {np.median(plain):15.2f} {found / searches:9.4f}",
        flush=True,
    )


def _plain_scan(vectors: Vectors, probe: Vectors) -> int:
    return int((vectors @ probe).argmax())


def _milliseconds(search: Callable[[], object]) -> float:
    start = time.perf_counter()
    search()
    return 1e3 * (time.perf_counter() - start)


def _searcher(tier: Tier, vectors: Vectors, owners: Owners) -> FaissSearcher:
    def feed(take: AddBatch) -> None:
        for start in range(0, len(vectors), CHUNK):
            part = slice(start, start + CHUNK)
            take(owners[part], vectors[part], owners[part])

    return build(tier, vectors.shape[1], feed, _REQUIREMENT).searcher
