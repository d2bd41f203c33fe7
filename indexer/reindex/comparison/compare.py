"""Both models on the gallery's own faces, as JSON."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.leave_one_out import rates as leave_one_out
from indexer.evaluation.leave_one_out.rates import NO_SCORE, Searches
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.reindex.comparison.acceptance import FPIRS, judge
from indexer.reindex.comparison.paired_embeddings import read
from indexer.types import PersonScore

MAX_PROBES = 20_000
"""In a larger gallery this many faces are drawn as probes, the same for both models, and searched for among
all faces."""
MAX_EXAMPLES = 40
"""Disagreements that are stored, of each kind."""
_BINS = 100
_DET_FPIRS = np.logspace(-4, 0, 81)
_NO_RATES: dict[str, Any] = {"rank1": None, "mated": 0, "mated_people": 0, "nonmated": 0, "at_fpir": {}}


def compare_models(database: Database, job: Job) -> dict[str, Any]:
    """Searches for each face among all others (leave one out) by both models, with the gallery's score.

    Memory: the arrays of `paired_embeddings.read`, and the scores of some hundred searches.
    """
    score = PersonScore(job.gallery.person_score)
    faces = read(database, job)
    probes = np.arange(len(faces.keys))
    if len(probes) > MAX_PROBES:
        probes = np.sort(np.random.default_rng(0).choice(len(probes), MAX_PROBES, replace=False))
    sides: list[dict[str, Any]] = []
    searches: list[Searches] = []
    for fingerprint, side in zip((job.from_model, job.to_model), faces.sides, strict=True):
        searched = leave_one_out.search(side.vectors, side.present, faces.people, probes, score)
        searches.append(searched)
        rates: dict[str, Any] = leave_one_out.rates(searched, FPIRS) if len(probes) else _NO_RATES
        det = leave_one_out.det(searched, _DET_FPIRS) if rates["at_fpir"] else []
        sides.append({"model": fingerprint, **rates, **_histograms(searched), "det": det, "skipped": 0})
    old, new = sides
    new["skipped"] = faces.skipped
    comparison = {
        "faces": len(faces.keys),
        "identities": len(np.unique(faces.people)),
        "probes": len(probes),
        "old": old,
        "new": new,
        "disagreements": _disagreements(searches[0], searches[1], old, new, faces.keys, probes),
    }
    verdicts = judge(job.row.gates, comparison)
    comparison["gates"] = [asdict(verdict) | {"reason": verdict.reason} for verdict in verdicts]
    return comparison


def _histograms(searches: Searches) -> dict[str, Any]:
    """Counts of the genuine and the impostor scores in bins from -1 to 1."""
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
    """Mated searches that only one of the models answers correctly at FPIR 1 %, by face keys."""
    fpir = str(0.01)
    if fpir not in old["at_fpir"]:
        return {"won": 0, "lost": 0, "examples": []}
    by_old, by_new = (
        side.correct & (side.own > report["at_fpir"][fpir]["threshold"])
        for side, report in ((before, old), (after, new))
    )
    won = np.flatnonzero(before.mated & by_new & ~by_old)
    lost = np.flatnonzero(before.mated & by_old & ~by_new)
    examples = [
        {
            "kind": kind,
            "face": int(keys[probes[i]]),
            "old_answer": int(keys[before.nearest[i]]) if before.nearest[i] >= 0 else None,
            "new_answer": int(keys[after.nearest[i]]) if after.nearest[i] >= 0 else None,
            "old_scores": _scores(before, i),
            "new_scores": _scores(after, i),
        }
        for kind, places in (("won", won), ("lost", lost))
        for i in places[:MAX_EXAMPLES]
    ]
    return {"won": len(won), "lost": len(lost), "examples": examples}


def _scores(searches: Searches, place: int) -> dict[str, float | None]:
    """Of the person of the probe, and of the most similar other person; None where there is no score."""
    found = {"own": float(searches.own[place]), "other": float(searches.other[place])}
    return {side: round(score, 4) if score > NO_SCORE else None for side, score in found.items()}
