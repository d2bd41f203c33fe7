"""Both models on the operator's own gallery, side by side, as JSON."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.leave_one_out import rates as leave_one_out
from indexer.evaluation.leave_one_out.rates import Searches
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.reindex.acceptance import FPIRS, judge
from indexer.reindex.paired_embeddings import read

MOST_PROBES = 20_000
"""Of a larger gallery so many faces are drawn, the same for both models; all are searched among."""
NAMED = 40
"""Disagreements that are kept, each way."""
_BINS = 100
_DET_FPIRS = np.logspace(-4, 0, 81)


def compare(database: Database, job: Job) -> dict[str, Any]:
    """Ready to be stored. Memory: what `reading.read` takes, and the scores of some hundred searches."""
    faces = read(database, job)
    probes = np.arange(len(faces.keys))
    if len(probes) > MOST_PROBES:
        probes = np.sort(np.random.default_rng(0).choice(len(probes), MOST_PROBES, replace=False))
    sides: list[dict[str, Any]] = []
    searches: list[Searches] = []
    for fingerprint, side in zip((job.from_model, job.to_model), faces.sides, strict=True):
        found = leave_one_out.search(side.vectors, side.present, faces.people, probes)
        searches.append(found)
        rates: dict[str, Any] = leave_one_out.rates(found, FPIRS) if len(probes) else _NOTHING
        det = leave_one_out.det(found, _DET_FPIRS) if rates["at_fpir"] else []
        sides.append({"model": fingerprint, **rates, **_histograms(found), "det": det, "skipped": 0})
    old, new = sides
    new["skipped"] = faces.skipped
    answer = {
        "faces": len(faces.keys),
        "identities": len(np.unique(faces.people)),
        "probes": len(probes),
        "old": old,
        "new": new,
        "disagreements": _disagreements(searches[0], searches[1], old, new, faces.keys, probes),
    }
    verdicts = judge(job.row.gates, answer)
    answer["gates"] = [
        {
            "gate": v.gate,
            "passed": v.passed,
            "measured": v.measured,
            "limit": v.limit,
            "people": v.people,
            "people_needed": v.people_needed,
            "reason": v.reason,
        }
        for v in verdicts
    ]
    return answer


_NOTHING: dict[str, Any] = {"rank1": None, "mated": 0, "mated_people": 0, "nonmated": 0, "at_fpir": {}}


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
