"""Groups all of LFW by several methods; ours also among strangers, and in ten portions.

Every method gets the same embeddings and the same graph of nearest neighbours, except for DBSCAN and HDBSCAN,
which take the distances of all pairs. A photograph in which no face is found counts as a face alone. The
seconds are those of the processor; the graph is not part of them, except for ours, which makes its own.

    python -m benchmarks.clustering --data LFW --cache lfw.npz --sizes 10000 100000 --json clustering.json
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.clustering import faces as labelled
from benchmarks.clustering.faces import LabelledFaces
from benchmarks.clustering.graph import Graph
from benchmarks.clustering.measures import accuracy
from benchmarks.clustering.methods import METHODS, Method, has_leiden
from indexer.calibration.threshold.card_curve import for_fpir
from indexer.clustering.cluster import NEW, cluster
from indexer.embedding.catalog import sface

FPIRS = (0.1, 0.01)
PORTIONS = 10

Row = dict[str, Any]
Groups = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder laid out like LFW")
    parser.add_argument("--cache", type=Path, help="file for the embeddings, so that they are made once")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--methods", nargs="*", help="by the beginnings of their names; default: all")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    faces = labelled.read(options.data, options.cache)
    console = Console(width=140)
    console.print(f"{len(faces.people):,} faces, {len(faces.missed)} photographs without one")
    rows: list[Row] = []
    for row in _rows(faces, options.methods, options.sizes):
        rows.append(row)
        console.print(_line(row), highlight=False)
    console.print(_table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def _rows(faces: LabelledFaces, names: list[str] | None, sizes: list[int]) -> Iterator[Row]:
    graph = Graph.of(faces.vectors)
    for method in METHODS:
        chosen = names is None or any(method.name.startswith(name) for name in names)
        if chosen and (method.name != "Leiden" or has_leiden()):
            yield from _of_method(method, graph, faces)
    if names is None or "portions" in names:
        yield from _in_portions(faces)
    for size in sizes:
        yield from _among_strangers(faces, size)


def _of_method(method: Method, graph: Graph, faces: LabelledFaces) -> Iterator[Row]:
    rows = {
        threshold: _measured(faces, method.name, threshold, partial(method.group, graph, threshold))
        for threshold in method.tried
    }
    if method.usual is not None:
        usual = rows.get(method.usual) or _measured(
            faces, method.name, method.usual, partial(method.group, graph, method.usual)
        )
        yield usual | {"choice": "usual"}
    else:
        for fpir in FPIRS:
            cosine = _threshold(fpir, len(faces.people))
            yield _measured(faces, method.name, cosine, partial(method.group, graph, cosine)) | {
                "choice": f"FPIR {fpir:g}"
            }
    yield max(rows.values(), key=lambda row: row["bcubed_f"]) | {"choice": "best"}


def _in_portions(faces: LabelledFaces) -> Iterator[Row]:
    """In random order; a threshold for each size, as somebody has who adds photographs."""
    order = np.random.default_rng(0).permutation(len(faces.people))
    vectors = faces.vectors[order]

    def group() -> Groups:
        groups = np.empty(0, np.int64)
        for end in np.linspace(0, len(vectors), PORTIONS + 1).round().astype(int)[1:]:
            before = np.concatenate([groups, np.full(end - len(groups), NEW)])
            groups = cluster(vectors[:end], _threshold(FPIRS[0], int(end)), groups=before)
        back = np.empty_like(groups)
        back[order] = groups
        return back

    yield _measured(
        faces, f"average linkage, {PORTIONS} portions", _threshold(FPIRS[0], len(order)), group
    ) | {"choice": f"FPIR {FPIRS[0]:g}"}


def _among_strangers(faces: LabelledFaces, size: int) -> Iterator[Row]:
    vectors = labelled.among_strangers(faces, size)
    count = min(size, len(faces.people))
    part = LabelledFaces(
        vectors=vectors[:count],
        people=faces.people[:count],
        missed=faces.missed if size >= len(faces.people) else faces.missed[:0],
    )
    for fpir in FPIRS:
        cosine = _threshold(fpir, size)
        yield _measured(part, "average linkage", cosine, partial(cluster, vectors, cosine)) | {
            "choice": f"FPIR {fpir:g}",
            "size": size,
        }


def _measured(faces: LabelledFaces, name: str, threshold: float, group: Callable[[], Groups]) -> Row:
    wall, cpu = time.perf_counter(), time.process_time()
    groups = group()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    found = accuracy(faces.all_groups(groups[: len(faces.people)]), faces.all_people())
    return {
        "method": name,
        "threshold": threshold,
        "size": len(groups),
        **asdict(found),
        "seconds": wall,
        "cpu_seconds": cpu,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def _threshold(fpir: float, size: int) -> float:
    return for_fpir(sface(mirror=True), fpir, size)


def _line(row: Row) -> str:
    return " ".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values())


def _table(rows: list[Row]) -> Table:
    table = Table(
        "Faces", "Method", "Threshold", "", "Groups", "Pairs P", "R", "F", "BCubed P", "R", "F", "CPU s"
    )
    for row in rows:
        table.add_row(
            f"{row['size']:,}",
            row["method"],
            row["choice"],
            f"{row['threshold']:.3f}",
            f"{row['groups']:,}",
            *(
                f"{row[f'{kind}_{rate}']:.3f}"
                for kind in ("pair", "bcubed")
                for rate in ("precision", "recall", "f")
            ),
            f"{row['cpu_seconds']:.1f}",
        )
    return table


if __name__ == "__main__":
    main()
