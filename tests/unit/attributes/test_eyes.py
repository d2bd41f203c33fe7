"""What the contour of an eye says, and what two eyes say together."""

import numpy as np
import pytest

from indexer.attributes.estimate import CannotTell
from indexer.attributes.heads.eyes.contours import CONTOUR, INNER, LOWER, OUTER, UPPER, Contour
from indexer.attributes.heads.eyes.head import decide, log_odds, measures


def contour(*, upper: float, lower: float, width: float = 28, turned: float = 0) -> Contour:
    """`upper`, `lower`: heights of the lids below the line through the corners, in widths of the eye.
    `turned`: in radians."""
    along = np.linspace(1 / 8, 7 / 8, 7)
    points = np.zeros((CONTOUR, 2))
    points[OUTER], points[INNER] = (0, 0), (1, 0)
    points[LOWER] = np.column_stack([along, np.full(7, lower)])
    points[UPPER] = np.column_stack([along, np.full(7, upper)])
    cosine, sine = np.cos(turned), np.sin(turned)
    return np.asarray(width * points @ np.array([[cosine, sine], [-sine, cosine]]) + (11, 17))


@pytest.mark.parametrize("turned", [0, 0.4, -2])
def test_the_measures_of_an_eye_depend_neither_on_its_size_nor_on_its_turn(turned: float) -> None:
    small = contour(upper=-0.15, lower=0.1, turned=turned)
    large = contour(upper=-0.15, lower=0.1, width=140)

    assert measures(small) == pytest.approx((0.25, -0.15))
    assert measures(large) == pytest.approx((0.25, -0.15))


def test_a_lid_that_hangs_low_is_closed_and_one_narrowed_by_a_smile_is_not() -> None:
    hanging = log_odds(measures(contour(upper=0.02, lower=0.1)))
    smiling = log_odds(measures(contour(upper=-0.12, lower=-0.04)))

    assert hanging > 4
    assert smiling < -4


def test_a_wink_is_neither_open_nor_closed() -> None:
    wink = decide(right=3.0, left=-4.5)

    assert (wink.value, wink.cannot_tell) == (None, CannotTell.UNDECIDED)
    assert wink.scores["right_closed"] > 0.9
    assert wink.scores["left_closed"] < 0.1


def test_the_confidence_is_the_probability_of_the_value() -> None:
    closed, open_ = decide(2.0, 2.0), decide(-3.0, -3.0)

    assert (closed.value, open_.value) == ("closed", "open")
    assert closed.confidence == pytest.approx(0.88, abs=0.01)
    assert open_.confidence == pytest.approx(0.95, abs=0.01)
