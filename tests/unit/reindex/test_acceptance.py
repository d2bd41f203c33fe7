"""Acceptance criteria of a new model."""

from typing import Any

import pytest

from indexer.errors import InvalidRequest
from indexer.reindex.comparison import acceptance

OLD = {"rank1": 0.9, "skipped": 0, "at_fpir": {"0.01": {"fnir": 0.05}}}
NEW = {"rank1": 0.95, "skipped": 2, "at_fpir": {"0.01": {"fnir": 0.06}}}


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        ("fnir@0.01<=old", False),
        ("fnir@0.01 <= old+0.01", True),
        ("fnir@0.01<=0.05", False),
        ("fnir@0.01<=0.06", True),
        ("rank1>=old", True),
        ("rank1>=0.96", False),
        ("skipped<=0", False),
        ("skipped<=2", True),
        ("fnir@0.1<=old", False),
    ],
)
def test_a_criterion_is_met_only_by_a_measured_value(gate: str, passed: bool) -> None:
    acceptance.check([gate])

    [verdict] = acceptance.judge([gate], compared(people=1000))

    assert verdict.passed is passed


@pytest.mark.parametrize(
    ("gate", "people", "mated_people", "reason"),
    [
        ("fnir@0.01<=old", 11, 6, "measured on too few people (6; 59 are needed)"),
        ("fnir@0.01<=old", 80, 80, "measured on too few people (80; 100 are needed)"),
        ("fnir@0.001<=old", 999, 999, "measured on too few people (999; 1,000 are needed)"),
        ("fnir@0.1<=old+0.2", 14, 13, "measured on too few people (13; 14 are needed)"),
        ("rank1>=old", 58, 58, "measured on too few people (58; 59 are needed)"),
        ("rank1>=old-0.1", 28, 28, "measured on too few people (28; 29 are needed)"),
        ("rank1>=0.98", 148, 148, "measured on too few people (148; 149 are needed)"),
        ("rank1>=1", 298, 298, "measured on too few people (298; 299 are needed)"),
    ],
)
def test_a_rate_measured_on_too_few_people_meets_no_criterion(
    gate: str, people: int, mated_people: int, reason: str
) -> None:
    perfect = {"rank1": 1.0, "skipped": 0, "at_fpir": {f: {"fnir": 0.0} for f in ("0.001", "0.01", "0.1")}}

    [verdict] = acceptance.judge([gate], compared(people, mated_people, old=perfect, new=perfect))
    [enough] = acceptance.judge([gate], compared(1000, 1000, old=perfect, new=perfect))

    assert not verdict.passed
    assert verdict.too_few
    assert str(verdict) == f"{gate}: {reason}"
    assert enough.passed


def test_skipped_faces_need_no_minimum_of_people() -> None:
    [verdict] = acceptance.judge(["skipped<=2"], compared(people=1))

    assert verdict.passed


def compared(
    people: int, mated_people: int | None = None, *, old: dict[str, Any] = OLD, new: dict[str, Any] = NEW
) -> dict[str, Any]:
    mated = {"mated_people": people if mated_people is None else mated_people}
    return {"identities": people, "old": old | mated, "new": new | mated}


@pytest.mark.parametrize("gate", ["", "fnir<=old", "fnir@0.02<=old", "rank1=1", "rank1>=", "speed>=3"])
def test_a_criterion_that_cannot_be_parsed_is_rejected(gate: str) -> None:
    with pytest.raises(InvalidRequest):
        acceptance.check([gate])
