"""What a new model must come up to before a gallery is switched to it.

A gate is `METRIC<=LIMIT` or `METRIC>=LIMIT`. Metrics: `rank1`, `fnir@P` (P an FPIR that was compared) and
`skipped` (faces that the new model could not embed). A limit is a number, or `old`, what the old model
reaches, which may be loosened: `old+0.01`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from indexer.errors import InvalidRequest

DEFAULT = ("fnir@0.01<=old", "skipped<=0")
FPIRS = (0.001, 0.01, 0.1)

_GATE = re.compile(r"(rank1|skipped|fnir@([0-9.]+))(<=|>=)(old)?([+-]?[0-9.]+(?:e-?[0-9]+)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    gate: str
    passed: bool
    measured: float | None
    """None where the gallery cannot tell, which does not pass."""
    limit: float | None

    def __str__(self) -> str:
        if self.measured is None or self.limit is None:
            return f"{self.gate}: this gallery cannot tell"
        return f"{self.gate}: {self.measured:.4g}, the limit is {self.limit:.4g}"


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
    passed = False
    if measured is not None and limit is not None:
        passed = measured <= limit + 1e-12 if sign == "<=" else measured >= limit - 1e-12
    return Verdict(gate=gate, passed=passed, measured=measured, limit=limit)


def _measured(metric: str, side: Mapping[str, Any]) -> float | None:
    if metric.startswith("fnir@"):
        point = side["at_fpir"].get(str(float(metric.removeprefix("fnir@"))))
        return None if point is None else point["fnir"]
    found: float | None = side[metric]
    return found
