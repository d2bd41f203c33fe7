"""Both models on the operator's own gallery, side by side, as JSON."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation import leave_one_out
from indexer.evaluation.leave_one_out import Searches
from indexer.recognition.reindex.gates import FPIRS, judge
from indexer.records import reindexes
from indexer.records.faces import as_vector
from indexer.records.reindexes import Job
from indexer.records.session import Database

MOST_PROBES = 20_000
"""Of a larger gallery so many faces are drawn, the same for both models; all are searched among."""
NAMED = 40
"""Disagreements that are kept, each way."""
_BINS = 100
_DET_FPIRS = np.logspace(-4, 0, 81)


def compare(database: Database, job: Job) -> dict[str, Any]:
    """Ready to be stored. Memory: the vectors of both models."""
    numbers = (job.row.from_model_id, job.row.to_model_id)
    keys: list[int] = []
    owners: list[str] = []
    made: tuple[list[bytes | None], ...] = ([], [])
    with database.snapshot() as session:
        skipped = reindexes.count_problems(session, job.gallery.id, job.row.to_model_id)
        for batch in reindexes.embeddings(session, job.gallery.id, numbers, 10_000):
            for key, identity, vectors in batch:
                keys.append(key)
                owners.append(str(identity))
                for side, vector in zip(made, vectors, strict=True):
                    side.append(vector)
    people = np.unique(owners, return_inverse=True)[1].astype(np.int64)
    probes = np.arange(len(keys))
    if len(probes) > MOST_PROBES:
        probes = np.sort(np.random.default_rng(0).choice(len(keys), MOST_PROBES, replace=False))
    sides: list[dict[str, Any]] = []
    searches: list[Searches] = []
    for fingerprint, vectors in zip((job.from_model, job.to_model), made, strict=True):
        found = leave_one_out.search(*_stacked(vectors), people, probes)
        searches.append(found)
        rates: dict[str, Any] = leave_one_out.rates(found, FPIRS) if len(probes) else _NOTHING
        det = leave_one_out.det(found, _DET_FPIRS) if rates["at_fpir"] else []
        sides.append({"model": fingerprint, **rates, **_histograms(found), "det": det, "skipped": 0})
    old, new = sides
    new["skipped"] = skipped
    answer = {
        "faces": len(keys),
        "identities": len(set(owners)),
        "probes": len(probes),
        "old": old,
        "new": new,
        "disagreements": _disagreements(searches[0], searches[1], old, new, np.array(keys, np.int64), probes),
    }
    verdicts = judge(job.row.gates, answer)
    answer["gates"] = [
        {"gate": v.gate, "passed": v.passed, "measured": v.measured, "limit": v.limit} for v in verdicts
    ]
    return answer


_NOTHING: dict[str, Any] = {"rank1": None, "mated": 0, "nonmated": 0, "at_fpir": {}}


def _stacked(vectors: list[bytes | None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    present = np.array([vector is not None for vector in vectors], np.bool_)
    dimension = max((len(vector) // 4 for vector in vectors if vector is not None), default=1)
    stacked = np.zeros((len(vectors), dimension), np.float32)
    for place, vector in enumerate(vectors):
        if vector is not None:
            stacked[place] = as_vector(vector)
    return stacked, present


def _histograms(searches: Searches) -> dict[str, Any]:
    """Shares of the genuine and of the impostor scores in bins from -1 to 1."""
    edges = np.linspace(-1, 1, _BINS + 1)
    genuine = np.histogram(searches.own[searches.mated], edges)[0]
    impostor = np.histogram(searches.other, edges)[0]
    return {"genuine": genuine.tolist(), "impostor": impostor.tolist()}


def _disagreements(
    before: Searches,
    after: Searches,
    old: dict[str, Any],
    new: dict[str, Any],
    keys: NDArray[np.int64],
    probes: NDArray[np.int64],
) -> dict[str, Any]:
    """Mated searches that one model answers at FPIR 1 % and the other does not, by face keys."""
    point = str(0.01)
    if point not in old["at_fpir"]:
        return {"won": 0, "lost": 0, "examples": []}
    found = [
        side.correct & (side.own > report["at_fpir"][point]["threshold"])
        for side, report in ((before, old), (after, new))
    ]
    won, lost = (np.flatnonzero(before.mated & a & ~b) for a, b in (found[::-1], found))
    examples = [
        {
            "kind": kind,
            "face": int(keys[probes[i]]),
            "old_answer": int(keys[before.nearest[i]]) if before.nearest[i] >= 0 else None,
            "new_answer": int(keys[after.nearest[i]]) if after.nearest[i] >= 0 else None,
        }
        for kind, places in (("won", won), ("lost", lost))
        for i in places[:NAMED]
    ]
    return {"won": len(won), "lost": len(lost), "examples": examples}
