"""The people with the highest scores, where people have templates in the index.

A person's score is the mean of the scores of the nearest face and of the template. A search reads the best
rows of the index, faces and templates. Of a person it may have read only one part: the other part is then
computed from the stored vectors, if the person could still be among the best. A person of whom no row was
read has no part above the last score that was read, and therefore no mean above it. So the answer is exact as
soon as its last person reaches that score.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.index import tiers
from indexer.index.distinct import Places
from indexer.index.people.candidates import Candidates, Rows, Scores, kth, place_in_group
from indexer.types import Keys, Owners, Vectors


class PeopleAnswer(NamedTuple):
    """The k best people of each of n probes, best first: arrays of shape (n, k)."""

    scores: Scores
    keys: Keys
    """Of the nearest face; -1 where there are no more people."""
    face_scores: Scores
    """Of the nearest face."""
    template_scores: Scores
    """NaN for people without a template."""
    faces: NDArray[np.int64]
    """How many faces the template is the mean of; 0 without a template."""


def search_identities(
    index: Any,
    rows: Rows,
    keys: Keys,
    probes: Vectors,
    k: int,
    nearest: Callable[[Vectors, int], tuple[Scores, Places]],
    *,
    size: int,
) -> PeopleAnswer:
    """`index`: of FAISS, for scans; `keys`: of all rows; `nearest`: the best rows of each probe, out of
    `size` rows. `rows.deleted`: those that no answer may have, also of people whom the search is not among.
    """
    n = len(probes)
    if n == 0 or size == 0:
        return _answer(rows, n, k, Candidates.none(), keys)
    width = min(tiers.fused_width(k), size)
    scores, places = nearest(probes, width)
    limits = scores[np.arange(n), np.maximum((places >= 0).sum(axis=1) - 1, 0)].copy()
    if width == size:
        limits[:] = -np.inf
    met = Candidates.of_rows(rows, scores, places)
    best, least = _best_people(rows, probes, k, met, limits)
    for probe in np.flatnonzero(least < limits).tolist():
        mine = best.probe == probe
        wider = _widen(index, rows, probes, probe, k, best.take(mine), met.person[met.probe == probe])
        best = Candidates.joined(best.take(~mine), wider)
    return _answer(rows, n, k, best.by_probe(), keys)


def _widen(
    index: Any, rows: Rows, probes: Vectors, probe: int, k: int, best: Candidates, met: Owners
) -> Candidates:
    """The k best people of one probe. `best`: those of the people `met`, which are all that were met so far.

    Each scan leaves out the people that were met before, so that it meets at least one more.
    """
    allowed = ~rows.deleted
    limits = np.full(len(probes), -np.inf, np.float32)
    for width in tiers.scan_widths():
        for owners in (met, -met):
            allowed[rows.of_owner.places(rows.of_owner.of(owners))[0]] = False
        left = int(np.count_nonzero(allowed))
        if left == 0:
            break
        scores, places = tiers.scan(index, probes[probe : probe + 1], min(width, left), allowed)
        limits[probe] = scores[0, -1] if left > width else -np.inf
        more = Candidates.of_rows(rows, scores, places, first_probe=probe)
        best, least = _best_people(rows, probes, k, Candidates.joined(best, more), limits)
        if least[probe] >= limits[probe]:
            break
        met = more.person
    return best


def _best_people(
    rows: Rows, probes: Vectors, k: int, candidates: Candidates, limits: Scores
) -> tuple[Candidates, Scores]:
    """The k best of the candidates of each probe, with their scores, best first; and the last of these
    scores by probe, shape (n,), -inf where there are fewer than k.

    `limits`, shape (n,): by probe, what no unknown part of a score exceeds.
    """
    known = candidates.known
    least = kth(candidates.take(known), k, limits)
    open_ = ~known & (candidates.highest(limits) > least[candidates.probe])
    if open_.any():
        completed = candidates.take(open_).completed(rows, probes)
        candidates = Candidates.joined(candidates.take(known), completed)
    else:
        candidates = candidates.take(known)
    best = candidates.best(k, limits)
    return best, kth(best, k, limits)


def _answer(rows: Rows, n: int, k: int, best: Candidates, keys: Keys) -> PeopleAnswer:
    """`best`: at most k of each of n probes, best first. `keys`: of all rows."""
    scores = np.zeros((n, k), np.float32)
    face_scores, template_scores = scores.copy(), np.full((n, k), np.nan, np.float32)
    found, faces = np.full((n, k), -1), np.zeros((n, k), np.int64)
    at = best.probe, place_in_group(best.probe)
    scores[at] = best.highest(np.zeros(n, np.float32))
    found[at] = keys[best.face_place]
    face_scores[at], template_scores[at] = best.face_score, best.template_score
    places, of_candidate = rows.of_owner.places(rows.of_owner.of(best.person))
    counts = np.bincount(of_candidate[~rows.deleted[places]], minlength=len(best))
    faces[at] = np.where(best.template_place < 0, 0, counts)
    return PeopleAnswer(scores, found, face_scores, template_scores, faces)
