"""FAISS itself: the limit of what our index can reach on this machine."""

from dataclasses import replace
from typing import Any

import faiss
import numpy as np

from benchmarks.search.contender import CORES, Contender, build
from benchmarks.search.task import K, Task
from indexer.types import Vectors

COMPACT = "PQ64x4fs,Refine(SQfp16)"
SHORTLIST = 300
IVF_CELLS = 256
IVF_NPROBE = 64
HNSW_EF_SEARCH = 256
_TRAINED_ON = 65_536
_BLOCK = 65_536


def contenders(task: Task, *, lossy: bool) -> list[Contender]:
    """`lossy`: also HNSW and IVF; HNSW takes minutes to build for a million faces."""
    refined = faiss.IndexRefineSearchParameters(k_factor=SHORTLIST / K)
    flat, fp16, compact = (
        _contender(task, "faiss-flat", "Flat", None),
        _contender(task, "faiss-flat-fp16", "SQfp16", None),
        _contender(task, "faiss-compact", COMPACT, refined),
    )
    made = [flat, _with_one_thread(flat), fp16, compact, _with_one_thread(compact)]
    if lossy:
        in_cells = faiss.IndexRefineSearchParameters(
            k_factor=SHORTLIST / K, base_index_params=faiss.SearchParametersIVF(nprobe=IVF_NPROBE)
        )
        made.append(_contender(task, "faiss-ivf", f"IVF{IVF_CELLS},{COMPACT}", in_cells))
        graph = faiss.SearchParametersHNSW(efSearch=HNSW_EF_SEARCH)
        made.append(_contender(task, "faiss-hnsw", "HNSW32,SQfp16", graph))
    return made


def index(gallery: Vectors, recipe: str) -> Any:
    made = faiss.index_factory(gallery.shape[1], recipe, faiss.METRIC_INNER_PRODUCT)
    sample = np.random.default_rng(0).choice(len(gallery), min(_TRAINED_ON, len(gallery)), replace=False)
    made.train(gallery[np.sort(sample)])
    for start in range(0, len(gallery), _BLOCK):
        made.add(gallery[start : start + _BLOCK])
    return made


def first_places(answer: Any) -> Any:
    """The first places of (scores, places), as FAISS returns them."""
    return answer[1][:, 0]


def _contender(task: Task, name: str, recipe: str, parameters: Any) -> Contender:
    """With one thread per core, the default of FAISS."""
    faiss.omp_set_num_threads(CORES)
    built = build(lambda: index(task.gallery, recipe))
    return Contender(
        name=name,
        search=lambda probes: built.made.search(probes, K, params=parameters),
        places=first_places,
        facts={"tier": recipe} | built.facts(task.n),
    )


def _with_one_thread(contender: Contender) -> Contender:
    """The same index. On two cores a single query of a flat one takes a third of the time with one thread:
    with two FAISS keeps both cores busy, to no end. The fairer limit of the two is the lower."""
    return replace(contender, name=f"{contender.name}-1thread", threads=1)
