"""What lets a new model in."""

import pytest

from indexer.errors import InvalidRequest
from indexer.recognition.reindex import gates

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
def test_a_gate_is_passed_by_what_was_measured_and_never_by_what_was_not(gate: str, passed: bool) -> None:
    gates.check([gate])

    [verdict] = gates.judge([gate], {"old": OLD, "new": NEW})

    assert verdict.passed is passed


@pytest.mark.parametrize("gate", ["", "fnir<=old", "fnir@0.02<=old", "rank1=1", "rank1>=", "speed>=3"])
def test_a_gate_that_nobody_understands_is_refused(gate: str) -> None:
    with pytest.raises(InvalidRequest):
        gates.check([gate])
