"""The GPU tier beside FAISS's flat float16 index on the GPU, and both beside the GPU's data sheet.

Wants faiss-gpu and an NVIDIA card. Recall@1 is against exact search on the CPU, in float32.
"""

import subprocess
import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np

from benchmarks.search.contender import Contender, build
from benchmarks.search.contenders import gemel, raw_faiss
from benchmarks.search.race import race
from benchmarks.search.task import K, Task
from indexer.index.digest import Digest
from indexer.index.gpu import sharded
from indexer.index.live import LiveIndex
from indexer.types import Keys, Tier

BATCH = 1_024
REPEATS = 20
COMPARED = 500
"""Number of probes whose answers are compared with those of the CPU."""
DEVICE = 0
_BLOCK = 65_536

CARDS = (
    ("H200", 4_800, 989),
    ("H100 NVL", 3_900, 835),
    ("H100 PCIe", 2_000, 756),
    ("H100", 3_350, 989),
    ("A100-SXM4-80GB", 2_039, 312),
    ("A100 80GB PCIe", 1_935, 312),
    ("L40S", 864, 362),
    ("L4", 300, 121),
    ("T4", 320, 65),
)
"""Part of the name that the driver gives; GB/s of memory and dense float16 TFLOP/s, by NVIDIA's data sheets.
The first that fits counts."""


def rows(task: Task, progress: Callable[[str], object]) -> list[dict[str, Any]]:
    """Raises SystemExit if FAISS sees no GPU."""
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        raise SystemExit("--gpu needs an NVIDIA GPU and the package faiss-gpu")
    contenders = [
        _on_card("faiss-gpu", lambda: _raw(task), task),
        _on_card("gemel-gpu", lambda: _live(task), task),
    ]
    raced = race(contenders, task, progress=progress)
    progress("the same answers on the CPU")
    exact = raw_faiss.index(task.gallery, "SQfp16")
    _, places = exact.search(task.probes[:COMPARED], K)
    return [
        row | {"same_answers": _same_answers(one, task, places)} | _shares(row, one, task)
        for one, row in zip(contenders, raced, strict=True)
    ]


def _same_answers(contender: Contender, task: Task, places: Keys) -> float:
    """Share of probes whose K answers are those of the CPU on the same float16 vectors, in any order."""
    answer = contender.search(task.probes[:COMPARED])
    rows = (
        answer[1].tolist() if isinstance(answer, tuple) else [[one.key - 1 for one in row] for row in answer]
    )
    return float(np.mean([set(row) == set(other) for row, other in zip(rows, places.tolist(), strict=True)]))


def _raw(task: Task) -> Any:
    """Flat, float16, added in blocks: the card never holds the gallery in float32."""
    config = faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    config.device = DEVICE
    index = faiss.GpuIndexFlatIP(faiss.StandardGpuResources(), task.gallery.shape[1], config)
    for start in range(0, task.n, _BLOCK):
        index.add(task.gallery[start : start + _BLOCK])
    return index


def _live(task: Task) -> LiveIndex:
    """Copied from the float16 tier, as the service does."""
    stored = gemel.live(task, Tier.EXACT_FP16)
    moved = sharded.copy_to_gpus(stored.searcher)
    return LiveIndex(moved, position=stored.position, digest=Digest.from_hex(stored.digest))


def _on_card(name: str, make: Callable[[], Any], task: Task) -> Contender:
    """`bytes_per_face` includes FAISS's scratch memory on the GPU, 1.5 GB or more: it is high for small
    galleries."""
    before = _card("memory.used")
    built = build(make)
    made = built.made
    raw = isinstance(made, faiss.Index)
    used_mib = float(_card("memory.used")) - float(before)
    return Contender(
        name=name,
        search=(lambda probes: made.search(probes, K)),
        places=raw_faiss.first_places if raw else gemel.first_places,
        facts={
            "tier": "flat float16" if raw else str(made.tier),
            "device": _card("name"),
            "build_s": round(built.seconds, 3),
            "bytes_per_face": round(used_mib * 2**20 / task.n, 1),
            "host_bytes_per_face": round(built.grown_bytes / task.n, 1),
        },
    )


def _shares(row: dict[str, Any], contender: Contender, task: Task) -> dict[str, Any]:
    """The memory bandwidth of one query, which reads every vector once, and the arithmetic rate of a
    batch."""
    components = task.gallery.size
    batch_s = _batch_seconds(contender, task)
    shares = {
        "single_gb_per_s": round(2 * components / row["p50_ms"] / 1e6, 1),
        "batch_1024_ms": round(1e3 * batch_s, 3),
        "batch_1024_queries_per_s": round(BATCH / batch_s, 1),
        "batch_1024_tflop_per_s": round(2 * BATCH * components / batch_s / 1e12, 2),
    }
    name = row["device"]
    for part, gb_per_s, tflop_per_s in CARDS:
        if part in name:
            shares["share_of_bandwidth"] = round(shares["single_gb_per_s"] / gb_per_s, 4)
            shares["share_of_peak"] = round(shares["batch_1024_tflop_per_s"] / tflop_per_s, 4)
            break
    return shares


def _batch_seconds(contender: Contender, task: Task) -> float:
    probes = np.ascontiguousarray(task.probes[:BATCH])
    seconds = []
    for _ in range(REPEATS + 2):
        start = time.perf_counter()
        contender.search(probes)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[2:]))  # the first ones allocate


def _card(fact: str) -> str:
    """The driver's value of `fact`, memory in MiB. Raises SystemExit."""
    command = ["nvidia-smi", f"--id={DEVICE}", f"--query-gpu={fact}", "--format=csv,noheader,nounits"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"nvidia-smi does not answer: {error}") from error
