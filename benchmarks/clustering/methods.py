"""The methods that are compared: each makes groups of a graph, at a threshold of its own kind.

Leiden needs `leidenalg`, which is under the GPL: it is imported if it is installed, and no part of Gemel.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from benchmarks.clustering.graph import NEIGHBOURS, Graph
from indexer.clustering.cluster import cluster

Groups = NDArray[np.int64]

COSINES = tuple(np.arange(0.40, 0.621, 0.02).round(2).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    name: str
    group: Callable[[Graph, float], Groups]
    usual: float | None
    """The threshold that its users take; None: there is none."""
    tried: tuple[float, ...]
    """Among which the best is chosen, on the very faces that it is measured on."""


def average_linkage(graph: Graph, cosine: float) -> Groups:
    return cluster(graph.vectors, cosine, neighbours=NEIGHBOURS)


def components(graph: Graph, cosine: float) -> Groups:
    return _components(len(graph.vectors), *_ends(graph.above(cosine)))


def rank_order(graph: Graph, most: float) -> Groups:
    """Components of the pairs whose rank-order distance is at most `most`: Otto, Wang and Jain, "Clustering
    millions of faces by identity", 2018, equations 4 and 5, with the neighbours that the graph has."""
    near = _rank_distances(graph) <= most
    return _components(len(graph.vectors), graph.a[near], graph.b[near])


@cache
def _rank_distances(graph: Graph) -> NDArray[np.float64]:
    """Shape (links,)."""
    neighbours = _neighbours(graph)
    places = [{row: place for place, row in enumerate(found)} for found in neighbours]

    def absent(a: int, b: int) -> int:
        """How many of a's neighbours up to b are not among b's."""
        end = places[a].get(b, len(neighbours[a]))
        return sum(other not in places[b] and other != b for other in neighbours[a][: end + 1])

    distances = []
    for a, b in zip(graph.a.tolist(), graph.b.tolist(), strict=True):
        nearest = min(places[a].get(b, NEIGHBOURS), places[b].get(a, NEIGHBOURS)) + 1
        distances.append((absent(a, b) + absent(b, a)) / nearest)
    return np.array(distances)


def chinese_whispers(graph: Graph, cosine: float) -> Groups:
    """Biemann, "Chinese Whispers", 2006, with weights and 20 rounds, as dlib has it."""
    rng = np.random.default_rng(0)
    linked: dict[int, list[tuple[int, float]]] = defaultdict(list)
    chosen = graph.above(cosine)
    for a, b, weight in zip(chosen.a.tolist(), chosen.b.tolist(), chosen.cosines.tolist(), strict=True):
        linked[a].append((b, weight))
        linked[b].append((a, weight))
    groups = list(range(len(graph.vectors)))
    rows = np.array(list(linked), np.int64)
    for _ in range(20):
        rng.shuffle(rows)
        changed = False
        for row in rows.tolist():
            scores: dict[int, float] = defaultdict(float)
            for other, weight in linked[row]:
                scores[groups[other]] += weight
            best = max(scores, key=scores.__getitem__)
            changed |= best != groups[row]
            groups[row] = best
        if not changed:
            break
    return np.array(groups)


def dbscan(graph: Graph, cosine: float) -> Groups:
    """On the Euclidean distances of all pairs; noise is alone."""
    from sklearn.cluster import DBSCAN

    labels = DBSCAN(eps=np.sqrt(2 - 2 * cosine), min_samples=2).fit(graph.vectors).labels_
    return _alone(labels)


def hdbscan(graph: Graph, smallest: float) -> Groups:
    """On the Euclidean distances of all pairs; noise is alone."""
    from sklearn.cluster import HDBSCAN

    model = HDBSCAN(min_cluster_size=int(smallest), min_samples=1, copy=True)
    return _alone(model.fit(graph.vectors).labels_)


def leiden(graph: Graph, cosine: float) -> Groups:
    """By modularity, of the links above the threshold, with cosines as weights: Traag, Waltman and van Eck,
    "From Louvain to Leiden", 2019."""
    leidenalg, igraph = _leiden()
    chosen = graph.above(cosine)
    linked = igraph.Graph(len(graph.vectors), list(zip(*_ends(chosen), strict=True)))
    found = leidenalg.find_partition(
        linked, leidenalg.ModularityVertexPartition, weights=chosen.cosines.tolist(), seed=0
    )
    return np.array(found.membership)


def has_leiden() -> bool:
    try:
        _leiden()
    except ImportError:
        return False
    return True


SFACE_USUAL = 0.363
"""The cosine from which OpenCV's documentation of SFace takes two faces for one person."""

METHODS = (
    Method(name="average linkage", group=average_linkage, usual=None, tried=COSINES),
    Method(name="connected components", group=components, usual=SFACE_USUAL, tried=COSINES),
    Method(name="rank order", group=rank_order, usual=1.0, tried=(0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0)),
    Method(name="Chinese whispers", group=chinese_whispers, usual=SFACE_USUAL, tried=COSINES),
    Method(name="DBSCAN", group=dbscan, usual=SFACE_USUAL, tried=COSINES[::2]),
    Method(name="HDBSCAN", group=hdbscan, usual=5, tried=(2, 3, 4)),
    Method(name="Leiden", group=leiden, usual=SFACE_USUAL, tried=COSINES),
)


@cache
def _leiden() -> tuple[Any, Any]:
    import igraph
    import leidenalg

    return leidenalg, igraph


def _ends(graph: Graph) -> tuple[Groups, Groups]:
    return graph.a, graph.b


def _components(rows: int, a: Groups, b: Groups) -> Groups:
    linked = coo_matrix((np.ones(len(a)), (a, b)), shape=(rows, rows))
    return np.asarray(connected_components(linked, directed=False)[1], np.int64)


def _alone(labels: Groups) -> Groups:
    """Noise, which is -1, in groups of its own."""
    return np.where(labels < 0, labels.max() + 1 + np.arange(len(labels)), labels)


def _neighbours(graph: Graph) -> list[list[int]]:
    """Of each row the linked rows, the nearest first, at most as many as the graph was made of."""
    ends, others = np.concatenate([graph.a, graph.b]), np.concatenate([graph.b, graph.a])
    order = np.lexsort((-np.concatenate([graph.cosines, graph.cosines]), ends))
    found: list[list[int]] = [[] for _ in range(len(graph.vectors))]
    for end, other in zip(ends[order].tolist(), others[order].tolist(), strict=True):
        if len(found[end]) < NEIGHBOURS:
            found[end].append(other)
    return found
