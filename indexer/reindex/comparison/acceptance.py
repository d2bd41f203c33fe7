"""Acceptance criteria: what a new model must reach before a gallery is switched to it.

A criterion is `METRIC<=LIMIT` or `METRIC>=LIMIT`. The API and the command line call it a gate. Metrics:
`rank1`, `fnir@P` (P is one of `FPIRS`) and `skipped` (faces that the new model could not embed). A limit is a
number, or `old` for what the old model reaches, with an allowance if needed: `old+0.01`.

A rate is judged only if the gallery has enough people. None missed of six people says next to nothing: a
model that misses a third of all people shows that in one of ten such galleries.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from indexer.errors import InvalidRequest

DEFAULT = ("fnir@0.01<=old", "skipped<=0")
FPIRS = (0.001, 0.01, 0.1)

CONFIDENCE = 0.95
DETECTABLE_LOSS = 0.05
"""Where the limit is the old model's rate, a gallery must be large enough to reveal the loss of this share of
people. With a larger allowance, fewer people are enough."""
_MIN_MARGIN = 0.01
"""A limit closer to perfection than this needs no more people."""

_CRITERION = re.compile(r"(rank1|skipped|fnir@([0-9.]+))(<=|>=)(old)?([+-]?[0-9.]+(?:e-?[0-9]+)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    gate: str
    """The criterion."""
    passed: bool
    measured: float | None
    """None if the gallery cannot show it; then the criterion is not met."""
    limit: float | None
    people: int | None = None
    """How many people it was measured on; None for a count such as `skipped`."""
    people_needed: int | None = None

    @property
    def too_few(self) -> bool:
        return self.people is not None and self.people < (self.people_needed or 0)

    @property
    def reason(self) -> str:
        if self.measured is None or self.limit is None:
            return "it cannot be measured on this gallery"
        if self.too_few:
            return f"measured on too few people ({self.people:,}; {self.people_needed:,} are needed)"
        return f"it is {self.measured:.4g}, the limit is {self.limit:.4g}"

    def __str__(self) -> str:
        return f"{self.gate}: {self.reason}"


def check(criteria: Sequence[str]) -> None:
    """Raises InvalidRequest if one cannot be parsed."""
    for criterion in criteria:
        match = _CRITERION.fullmatch(criterion.replace(" ", ""))
        if match is None or not (match[4] or match[5]) or not _numbers_valid(match[2], match[5]):
            raise InvalidRequest(
                f"the gate {criterion!r} is not METRIC<=LIMIT or METRIC>=LIMIT. Metrics are rank1, skipped,"
                f" {', '.join(f'fnir@{fpir}' for fpir in FPIRS)}; a limit is like 0.05, old or old+0.01",
                field="gates",
            )


def _numbers_valid(fpir: str | None, limit: str | None) -> bool:
    try:
        return (fpir is None or float(fpir) in FPIRS) and math.isfinite(float(limit or 0))
    except ValueError:  # 0.1.2
        return False


def judge(criteria: Sequence[str], comparison: Mapping[str, Any]) -> list[Verdict]:
    """`comparison`: the result of `compare.compare_models`."""
    return [_judge(criterion, comparison) for criterion in criteria]


def _judge(criterion: str, comparison: Mapping[str, Any]) -> Verdict:
    match = _CRITERION.fullmatch(criterion.replace(" ", ""))
    assert match is not None, criterion
    metric, _, sign, old, number = match.groups()
    measured = _measured(metric, comparison["new"])
    reference = _measured(metric, comparison["old"]) if old else 0.0
    limit = None if reference is None else reference + float(number or 0)
    people, needed = None, None
    if metric != "skipped":
        people, needed = _people(comparison, metric, _margin(metric, sign, old, float(number or 0)))
    passed = False
    if measured is not None and limit is not None and (people is None or people >= (needed or 0)):
        passed = measured <= limit + 1e-12 if sign == "<=" else measured >= limit - 1e-12
    return Verdict(
        gate=criterion, passed=passed, measured=measured, limit=limit, people=people, people_needed=needed
    )


def forecast(criteria: Sequence[str], *, identities: int, mated_people: int) -> list[Verdict]:
    """For each criterion whether a gallery of so many people can show it at all, before anything is embedded.

    `mated_people`: those with two faces or more. No verdict is passed yet.
    """
    verdicts = []
    for criterion in criteria:
        match = _CRITERION.fullmatch(criterion.replace(" ", ""))
        assert match is not None, criterion
        metric, _, sign, old, number = match.groups()
        people, needed = None, None
        if metric != "skipped":
            counts = {"new": {"mated_people": mated_people}, "identities": identities}
            people, needed = _people(counts, metric, _margin(metric, sign, old, float(number or 0)))
        verdicts.append(
            Verdict(
                gate=criterion, passed=False, measured=None, limit=None, people=people, people_needed=needed
            )
        )
    return verdicts


def people_needed(share: float) -> int:
    """The number of people of whom, if a share `share` of all people is missed, at least one is missed with
    probability `CONFIDENCE`: the n of 1 - (1 - share)^n, about 3 / share (Clopper and Pearson 1934, the "rule
    of three")."""
    return 1 if share >= 1 else math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - share))


def _margin(metric: str, sign: str, old: str | None, number: float) -> float:
    """The share of people that may be missed: in addition to the old model's, or in total."""
    if old:
        return max(number if sign == "<=" else -number, DETECTABLE_LOSS)
    return max(1 - number if metric == "rank1" else number, _MIN_MARGIN)


def _people(comparison: Mapping[str, Any], metric: str, margin: float) -> tuple[int, int]:
    """How many people the metric was measured on, and how many it needs.

    It needs `people_needed(margin)` people with two faces. For an FPIR P it also needs 1 / P people in all:
    among fewer, not one false alarm is allowed. Returns the first of the two numbers that is too low.
    """
    mated = comparison["new"].get("mated_people", 0)
    needed = people_needed(margin)
    nonmated_needed = math.ceil(1 / float(metric.removeprefix("fnir@"))) if metric.startswith("fnir@") else 0
    identities = comparison.get("identities", 0)
    if mated < needed or identities >= nonmated_needed:
        return mated, needed
    return identities, nonmated_needed


def _measured(metric: str, side: Mapping[str, Any]) -> float | None:
    if metric.startswith("fnir@"):
        point = side["at_fpir"].get(str(float(metric.removeprefix("fnir@"))))
        return None if point is None else point["fnir"]
    value: float | None = side[metric]
    return value
