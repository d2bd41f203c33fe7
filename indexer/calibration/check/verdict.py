"""Compares counted searches with the promise of the calibration.

Of n searches in groups g, k_g of n_g reach LEVEL's score. The calibration promises a share of LEVEL, and its
95 % interval gives this promise a standard error. The counted share k / n has the standard error of a ratio
over groups (random groups, Wolter 2007, ch. 2): sqrt(G / (G - 1) * sum (k_g - n_g k / n)^2) / n. A warning
needs a share of more than STANDARD_ERRORS of both together above LEVEL: by chance alone once in 500 times or
less (Student's t with G - 1 degrees of freedom).
"""

import math
from dataclasses import dataclass
from typing import Literal

from indexer.calibration.check.tally import LEVEL
from indexer.records.search_counts import GROUPS, Groups, SearchCounts

STANDARD_ERRORS = 3.0
_INTERVAL_ERRORS = 1.96
"""Standard errors from the middle of a 95 % interval to its ends."""
MIN_SEARCHES = 200
"""Fewer say nothing."""
MIN_EFFECTIVE_GROUPS = 16.0
"""Kish's effective number. If most searches find a few people, the spread between groups is unknown."""
MISSED_PER_MATCHED = 0.5
"""So many enrolled people may be missed for each that is matched; a missed one may score just below the
threshold."""
REACHED_PER_FALSE_ALARM = 0.5
"""A stranger who is matched resembles several people more often than others do. Measured: in 14 to 28 % of
false alarms the second person reaches LEVEL's score."""

_ADVICE = "Calibrate the gallery (`gemel calibrate --gallery`), or set a lower `identify_fpir`."

Verdict = Literal["too_few", "kept", "exceeded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Of matched or of unmatched searches."""

    verdict: Verdict
    searches: int
    reached: int
    """Searches in which somebody else reached LEVEL's score."""
    expected: float
    """How many of these there would be at the promised rate, for unmatched searches of strangers."""
    limit: float
    """More than this is not chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FpirCheck:
    """What the searches of a gallery say about its promised FPIR."""

    searches: int
    matched: int
    expected_false_alarms: float
    duplicates: int
    among_matched: Finding
    among_unmatched: Finding

    @property
    def verdict(self) -> Verdict:
        verdicts = {self.among_matched.verdict, self.among_unmatched.verdict}
        return "exceeded" if "exceeded" in verdicts else "kept" if "kept" in verdicts else "too_few"

    @property
    def warning(self) -> str | None:
        """In words; None where the promise may be kept."""
        if self.among_matched.verdict == "exceeded":
            return (
                "more false alarms than promised: among"
                f" {self.among_matched.searches:,} searches that matched, in {self.among_matched.reached:,} a"
                f" second person is as similar as {LEVEL:.0%} of strangers are to somebody; about"
                f" {self.among_matched.expected:,.0f} are expected, and more"
                f" than {self.among_matched.limit:,.0f} are not chance. {_ADVICE}"
            )
        if self.among_unmatched.verdict == "exceeded":
            return (
                "more false alarms than promised, or many enrolled people are missed: among"
                f" {self.among_unmatched.searches:,} searches that did not match, in"
                f" {self.among_unmatched.reached:,} a person is as similar as {LEVEL:.0%} of strangers are to"
                f" somebody; more than {self.among_unmatched.limit:,.0f} are not chance. {_ADVICE}"
            )
        return None


def judge(counts: SearchCounts) -> FpirCheck:
    return FpirCheck(
        searches=counts.searches,
        matched=counts.matched,
        expected_false_alarms=counts.expected_false_alarms,
        duplicates=counts.duplicates,
        among_matched=_find(
            counts.matched_searches,
            counts.matched_reached,
            counts.matched_limit,
            others=REACHED_PER_FALSE_ALARM * counts.expected_false_alarms,
        ),
        among_unmatched=_find(
            counts.unmatched_searches,
            counts.unmatched_reached,
            counts.unmatched_limit,
            others=MISSED_PER_MATCHED * counts.matched,
        ),
    )


def _find(searches: Groups, reached: Groups, promised: float, *, others: float) -> Finding:
    """`promised`: the upper ends of the intervals, added up. `others`: at most so many of the searches reach
    LEVEL's score, but say nothing."""
    n, k = int(searches.sum()), int(reached.sum())
    expected = LEVEL * n
    promise_error = (promised - expected) / _INTERVAL_ERRORS
    counting_error = _standard_error(searches, reached)
    limit = expected + others + STANDARD_ERRORS * math.hypot(promise_error, counting_error)
    verdict: Verdict = "exceeded" if k > limit else "kept"
    if n < MIN_SEARCHES or n**2 / float((searches**2).sum()) < MIN_EFFECTIVE_GROUPS or limit >= n:
        verdict = "too_few"
    return Finding(verdict=verdict, searches=n, reached=k, expected=expected, limit=limit)


def _standard_error(searches: Groups, reached: Groups) -> float:
    """Of the sum of `reached`; at least that of independent searches of which LEVEL reach the score."""
    n, k = float(searches.sum()), float(reached.sum())
    between = GROUPS / (GROUPS - 1) * float(((reached - searches * k / max(n, 1)) ** 2).sum())
    return math.sqrt(max(between, n * LEVEL * (1 - LEVEL)))
