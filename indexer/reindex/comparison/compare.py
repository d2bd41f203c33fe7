"""Both models on the gallery's own faces, as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.leave_one_out import rates as leave_one_out
from indexer.evaluation.leave_one_out.searches import NO_SCORE, Enrolled, LeaveOneOut, Searches
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.reindex.comparison import paired_embeddings
from indexer.reindex.comparison.acceptance import FPIRS, judge
from indexer.reindex.comparison.paired_embeddings import PairedEmbeddings
from indexer.types import Part, PersonScore

MAX_PROBES = 20_000
"""In a larger gallery this many faces are drawn as probes, the same for both models, and searched for among
all faces."""
MAX_EXAMPLES = 40
"""Disagreements that are stored, of each kind."""
_BINS = 100
_DET_FPIRS = np.logspace(-4, 0, 81)
_NO_RATES: dict[str, Any] = {"rank1": None, "mated": 0, "mated_people": 0, "nonmated": 0, "at_fpir": {}}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Searched:
    """The searches for the same probes by both models."""

    faces: int
    people: int
    probes: PairedEmbeddings
    old: Searches
    new: Searches


def compare_models(database: Database, job: Job, parts: Sequence[Part] = ()) -> dict[str, Any]:
    """Searches for each face among all others (leave one out) by both models, with the gallery's score.
    Returns the comparison as JSON.

    `parts`: of a gallery that does not fit into memory. They are read one after the other, with the same
    result. Memory: the arrays of `paired_embeddings`, of one part or else of the gallery, and the scores of
    some hundred searches.
    """
    searched = _search_parts(database, job, parts) if parts else _search_whole(database, job)
    probes = searched.probes.keys
    sides: list[dict[str, Any]] = []
    for fingerprint, searches in ((job.from_model, searched.old), (job.to_model, searched.new)):
        rates: dict[str, Any] = leave_one_out.rates(searches, FPIRS) if len(probes) else _NO_RATES
        det = leave_one_out.det(searches, _DET_FPIRS) if rates["at_fpir"] else []
        sides.append({"model": fingerprint, **rates, **_histograms(searches), "det": det, "skipped": 0})
    old, new = sides
    with database.reading() as session:
        new["skipped"] = reindexes.count_problems(session, job.gallery.id, job.row.to_model_id)
    comparison = {
        "faces": searched.faces,
        "identities": searched.people,
        "probes": len(probes),
        "old": old,
        "new": new,
        "disagreements": _disagreements(searched.old, searched.new, old, new, probes),
    }
    verdicts = judge(job.row.gates, comparison)
    comparison["gates"] = [asdict(verdict) | {"reason": verdict.reason} for verdict in verdicts]
    return comparison


def _search_whole(database: Database, job: Job) -> _Searched:
    faces = paired_embeddings.read(database, job)
    chosen = np.arange(len(faces.keys))
    if len(chosen) > MAX_PROBES:
        chosen = np.sort(np.random.default_rng(0).choice(len(chosen), MAX_PROBES, replace=False))
    probes = faces.rows(chosen)
    old, new = _searches(job, probes)
    old.add(faces.old)
    new.add(faces.new)
    people = len(np.unique(faces.people))
    return _Searched(faces=len(faces.keys), people=people, probes=probes, old=old.result(), new=new.result())


def _search_parts(database: Database, job: Job, parts: Sequence[Part]) -> _Searched:
    """Each part is read in a snapshot of its own: a transaction of hours would keep PostgreSQL from removing
    old rows. So faces that are enrolled or deleted meanwhile may be among the probes and not among the faces,
    or the reverse."""
    share = min(1.0, MAX_PROBES / max(1, job.gallery.face_count))
    drawn = [paired_embeddings.draw(database, job, part, share) for part in parts]
    probes = PairedEmbeddings(
        old=_joined([one.old for one in drawn]), new=_joined([one.new for one in drawn])
    )
    old, new = _searches(job, probes)
    faces = people = 0
    for part in parts:
        of_part = paired_embeddings.read_part(database, job, part)
        old.add(of_part.old)
        new.add(of_part.new)
        faces += len(of_part.keys)
        people += len(np.unique(of_part.people))
    return _Searched(faces=faces, people=people, probes=probes, old=old.result(), new=new.result())


def _searches(job: Job, probes: PairedEmbeddings) -> tuple[LeaveOneOut, LeaveOneOut]:
    score = PersonScore(job.gallery.person_score)
    return LeaveOneOut(probes.old, score), LeaveOneOut(probes.new, score)


def _joined(parts: Sequence[Enrolled]) -> Enrolled:
    return Enrolled(
        keys=np.concatenate([part.keys for part in parts]),
        people=np.concatenate([part.people for part in parts]),
        vectors=np.concatenate([part.vectors for part in parts]),
        present=np.concatenate([part.present for part in parts]),
    )


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
    probes: NDArray[np.int64],
) -> dict[str, Any]:
    """Mated searches that only one of the models answers correctly at FPIR 1 %, by keys of faces.

    `probes`: their keys."""
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
            "face": int(probes[i]),
            "old_answer": int(before.nearest[i]) if before.nearest[i] >= 0 else None,
            "new_answer": int(after.nearest[i]) if after.nearest[i] >= 0 else None,
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
