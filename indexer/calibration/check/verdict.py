"""Compares counted searches with the promise of the calibration.

Of n searches in groups g, k_g of n_g reach LEVEL's score. The calibration promises a share of at most p, the
upper end of its interval. The share k / n has the standard error of a ratio over groups (random groups,
Wolter 2007, ch. 2): sqrt(G / (G - 1) * sum (k_g - n_g k / n)^2) / n. A warning needs a share of more than
STANDARD_ERRORS above p: by chance alone once in 500 times or less (Student's t with G - 1 degrees of
freedom), and less, because p is already an upper end.
"""

import math
from dataclasses import dataclass
from typing import Literal

from indexer.calibration.check.tally import LEVEL
from indexer.records.search_counts import GROUPS, Groups, SearchCounts

STANDARD_ERRORS = 3.0
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
    """The upper end of what is promised."""


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
                f" {self.among_matched.expected:,.0f} are expected, and at most"
                f" {self.among_matched.limit:,.0f} fit the calibration. {_ADVICE}"
            )
        if self.among_unmatched.verdict == "exceeded":
            return (
                "more false alarms than promised, or many enrolled people are missed: among"
                f" {self.among_unmatched.searches:,} searches that did not match, in"
                f" {self.among_unmatched.reached:,} a person is as similar as {LEVEL:.0%} of strangers are to"
                f" somebody; at most {self.among_unmatched.limit:,.0f} fit the calibration. {_ADVICE}"
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
    """`others`: at most so many of the searches reach LEVEL's score, but say nothing."""
    n, k = int(searches.sum()), int(reached.sum())
    limit = promised + others
    verdict: Verdict = "kept"
    if n < MIN_SEARCHES or n**2 / float((searches**2).sum()) < MIN_EFFECTIVE_GROUPS or limit >= n:
        verdict = "too_few"
    elif k - limit > STANDARD_ERRORS * _standard_error(searches, reached, promised / n):
        verdict = "exceeded"
    return Finding(verdict=verdict, searches=n, reached=k, expected=LEVEL * n, limit=limit)


def _standard_error(searches: Groups, reached: Groups, share: float) -> float:
    """Of the sum of `reached`; at least that of independent searches of which `share` reach the score."""
    n, k = float(searches.sum()), float(reached.sum())
    between = GROUPS / (GROUPS - 1) * float(((reached - searches * k / n) ** 2).sum())
    return math.sqrt(max(between, n * share * (1 - share)))
