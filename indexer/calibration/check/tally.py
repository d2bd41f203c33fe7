"""Counts the searches of a process. It takes some microseconds a search."""

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from indexer.calibration.active import ActiveCalibration
from indexer.calibration.threshold.decision import Decision, decide
from indexer.embedding.card import ModelCard
from indexer.records.search_counts import GROUPS, SearchCounts, basis_of
from indexer.records.tables import Gallery

PEOPLE = 2
"""The most similar people of a search that are looked at."""
LEVEL = 0.1
"""Scores are counted from the score that this share of searches for strangers reaches: often enough to show
within some hundred searches, and near enough to the threshold to say something about it."""
MAX_FPIR = LEVEL / 2
"""Policies with a higher FPIR are not checked."""
_LIMIT_OF_ONE_SET = 3 * LEVEL
"""The upper end where the curve has no interval, because one set of photographs was measured."""
_STRANGERS_NEVER_REACH = 1e-3
"""FPIR of a score from which a second person may be the same person."""


class ScoredPerson(NamedTuple):
    """A person whom a search found, and the score."""

    identity_id: UUID
    score: float


class SearchTally:
    """Safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[UUID, str], SearchCounts] = {}

    def add(
        self,
        gallery: Gallery,
        card: ModelCard,
        decision: Decision,
        faces: int,
        people: Sequence[ScoredPerson],
    ) -> None:
        """`people`: the PEOPLE most similar ones among `faces` faces, or fewer if there are fewer.

        `decision`: by the policy.
        """
        if not people or decision.target > MAX_FPIR:
            return
        median = card.genuine_scores[len(card.genuine_scores) // 2]
        level, limit, same_person = _scores(decision.calibration, faces, median)
        best = people[0]
        second = people[1].score if len(people) > 1 else -1.0
        group = best.identity_id.int % GROUPS
        key = (gallery.id, basis_of(gallery))
        with self._lock:
            counts = self._counts.get(key)
            if counts is None:
                counts = self._counts[key] = SearchCounts()
            counts.searches += 1
            counts.expected_false_alarms += decision.estimate.fpir
            if best.score < decision.threshold:
                counts.unmatched_searches[group] += 1
                counts.unmatched_reached[group] += best.score >= level
                counts.unmatched_limit += limit
                return
            counts.matched += 1
            if second >= same_person:
                counts.duplicates += 1
                return
            counts.matched_searches[group] += 1
            counts.matched_reached[group] += second >= level
            counts.matched_limit += limit

    def take(self) -> dict[tuple[UUID, str], SearchCounts]:
        """The counts since the last call, by gallery and `basis_of`."""
        with self._lock:
            counts, self._counts = self._counts, {}
            return counts

    def give_back(self, counts: dict[tuple[UUID, str], SearchCounts]) -> None:
        """After `take`, where they could not be stored."""
        with self._lock:
            for key, returned in counts.items():
                self._counts.setdefault(key, SearchCounts()).add(returned)


@lru_cache(maxsize=4096)
def _scores(calibration: ActiveCalibration, faces: int, median: float) -> tuple[float, float, float]:
    """LEVEL's score, the upper end of its interval, and the score of a second person who is the same person.

    `median`: of genuine scores.
    """
    at_level = decide(calibration, LEVEL, faces)
    interval = at_level.estimate.interval
    limit = _LIMIT_OF_ONE_SET if interval is None else max(LEVEL, interval[1])
    never = calibration.curve.threshold(_STRANGERS_NEVER_REACH, faces)
    return at_level.threshold, limit, max(median, never)
