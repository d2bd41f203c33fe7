"""What the networks of age and gender say becomes an estimate, or a reason why there is none."""

import numpy as np
import pytest

from indexer.attributes.estimate import CannotTell
from indexer.attributes.heads.age_gender import age_estimate, gender_estimate


def test_the_interval_of_an_age_holds_it_and_does_not_go_below_zero() -> None:
    for value in (0.4, 9.9, 34.0, 79.0):
        estimate = age_estimate(value)
        assert estimate.interval is not None
        low, high = estimate.interval
        assert 0 <= low <= value < high
        assert estimate.unit == "years"


@pytest.mark.parametrize(
    ("female", "years", "value", "reason"),
    [
        (0.99, 40.0, "female", None),
        (0.01, 40.0, "male", None),
        (0.55, 40.0, None, CannotTell.UNDECIDED),
        (0.99, 5.0, None, CannotTell.TOO_YOUNG),
        (1.0, 40.0, "female", None),
    ],
)
def test_a_gender_is_estimated_of_grown_faces_with_enough_confidence(
    female: float, years: float, value: str | None, reason: CannotTell | None
) -> None:
    estimate = gender_estimate(np.array([female, 1 - female], np.float32), years)

    assert (estimate.value, estimate.cannot_tell) == (value, reason)
    assert sum(estimate.scores.values()) == pytest.approx(1)


def test_the_confidence_is_lower_than_the_networks_own_probability() -> None:
    estimate = gender_estimate(np.array([0.98, 0.02], np.float32), 40.0)

    assert estimate.confidence is not None
    assert 0.85 < estimate.confidence < 0.95
