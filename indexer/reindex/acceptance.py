"""What a new model must come up to before a gallery is switched to it.

A gate is `METRIC<=LIMIT` or `METRIC>=LIMIT`. Metrics: `rank1`, `fnir@P` (P an FPIR that was compared) and
`skipped` (faces that the new model could not embed). A limit is a number, or `old`, what the old model
reaches, which may be loosened: `old+0.01`.

A rate is judged only where enough people show it. Six people of whom none is missed say next to nothing: of
ten such galleries one shows that of a model which misses a third of all people.
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
SEEN_LOSS = 0.05
"""Share of people whose loss a gallery must be able to show where the limit is what the old model reaches. A
looser limit needs fewer people."""
_LEAST_MARGIN = 0.01
"""A limit nearer to perfection is judged on as many people as this."""

_GATE = re.compile(r"(rank1|skipped|fnir@([0-9.]+))(<=|>=)(old)?([+-]?[0-9.]+(?:e-?[0-9]+)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    gate: str
    passed: bool
    measured: float | None
    """None where the gallery cannot tell, which does not pass."""
    limit: float | None
    people: int | None = None
    """On whom it was measured; None for what is counted, such as `skipped`."""
    people_needed: int | None = None

    @property
    def too_few(self) -> bool:
        return self.people is not None and self.people < (self.people_needed or 0)

    @property
    def reason(self) -> str:
        if self.measured is None or self.limit is None:
            return "this gallery cannot tell"
        if self.too_few:
            return f"too few people to tell ({self.people:,}; {self.people_needed:,} are needed)"
        return f"it is {self.measured:.4g}, the limit is {self.limit:.4g}"

    def __str__(self) -> str:
        return f"{self.gate}: {self.reason}"


def check(gates: Sequence[str]) -> None:
    """Raises InvalidRequest where one cannot be understood."""
    for gate in gates:
        match = _GATE.fullmatch(gate.replace(" ", ""))
        if match is None or not (match[4] or match[5]) or not _numbers_are_known(match[2], match[5]):
            raise InvalidRequest(
                f"the gate {gate!r} is not METRIC<=LIMIT or METRIC>=LIMIT, with a metric of rank1, skipped,"
                f" {', '.join(f'fnir@{known}' for known in FPIRS)}, and a limit like 0.05, old or old+0.01",
                field="gates",
            )


def _numbers_are_known(fpir: str | None, limit: str | None) -> bool:
    try:
        return (fpir is None or float(fpir) in FPIRS) and math.isfinite(float(limit or 0))
    except ValueError:  # 0.1.2
        return False


def judge(gates: Sequence[str], comparison: Mapping[str, Any]) -> list[Verdict]:
    """By what `jobs.reindex.comparing` measured."""
    return [_judged(gate, comparison) for gate in gates]


def _judged(gate: str, comparison: Mapping[str, Any]) -> Verdict:
    match = _GATE.fullmatch(gate.replace(" ", ""))
    assert match is not None, gate
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
        gate=gate, passed=passed, measured=measured, limit=limit, people=people, people_needed=needed
    )


def people_needed(share: float) -> int:
    """So many that if a share of all people were missed, one of these would be, with `CONFIDENCE`: the n of
    1 - (1 - share)^n, about 3 / share (Clopper and Pearson 1934, the "rule of three")."""
    return 1 if share >= 1 else math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - share))


def _margin(metric: str, sign: str, old: str | None, number: float) -> float:
    """The share of people that may be missed: more than the old model misses, or at all."""
    if old:
        return max(number if sign == "<=" else -number, SEEN_LOSS)
    return max(1 - number if metric == "rank1" else number, _LEAST_MARGIN)


def _people(comparison: Mapping[str, Any], metric: str, margin: float) -> tuple[int, int]:
    """On how many it was measured, and on how many it must be; where two numbers count, the first too low.

    They are `people_needed` with two faces, and for an FPIR P 1 / P people: of fewer strangers not one may
    give a false alarm.
    """
    mated = comparison["new"].get("mated_people", 0)
    needed = people_needed(margin)
    strangers = math.ceil(1 / float(metric.removeprefix("fnir@"))) if metric.startswith("fnir@") else 0
    everybody = comparison.get("identities", 0)
    return (mated, needed) if mated < needed or everybody >= strangers else (everybody, strangers)


def _measured(metric: str, side: Mapping[str, Any]) -> float | None:
    if metric.startswith("fnir@"):
        point = side["at_fpir"].get(str(float(metric.removeprefix("fnir@"))))
        return None if point is None else point["fnir"]
    found: float | None = side[metric]
    return found
