"""What the network of masks says becomes an estimate, or a reason why there is none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.attributes.estimate import CannotTell
from indexer.attributes.heads.mask import ANCHORS, MASK, NONE, decide, decoded, log_odds

NOT_MOVED = np.zeros((len(ANCHORS), 4), np.float32)


def nearest(x: float, y: float, side: float) -> int:
    """The anchor that fits a square face best."""
    return int(np.abs(ANCHORS - np.array([x, y, side, side])).sum(axis=1).argmin())


def scores(**of_boxes: tuple[int, float, float]) -> NDArray[np.float32]:
    """Low ones everywhere, but those of the boxes: masked and bare."""
    found = np.full((len(ANCHORS), 2), 0.005, np.float32)
    for anchor, masked, bare in of_boxes.values():
        found[anchor] = masked, bare
    return found


FACE, NEIGHBOUR = nearest(0.5, 0.5, 0.45), nearest(0.1, 0.1, 0.22)


def test_there_is_an_anchor_for_each_output_of_the_network_and_all_are_in_the_picture() -> None:
    assert ANCHORS.shape == (5972, 4)  # as the published network has outputs
    assert (ANCHORS > 0).all()
    assert (ANCHORS < 1.2).all()
    np.testing.assert_array_equal(decoded(NOT_MOVED), ANCHORS)


@pytest.mark.parametrize(
    ("masked", "bare", "value"), [(0.98, 0.01, MASK), (0.01, 0.98, NONE), (0.3, 0.98, None)]
)
def test_the_scores_of_the_box_over_the_face_decide(masked: float, bare: float, value: str | None) -> None:
    estimate = decide(log_odds(NOT_MOVED, scores(face=(FACE, masked, bare))))

    assert estimate.value == value
    assert estimate.cannot_tell == (None if value else CannotTell.UNDECIDED)
    assert sum(estimate.scores.values()) == pytest.approx(1)


def test_the_mask_of_somebody_beside_the_face_does_not_count() -> None:
    both = scores(face=(FACE, 0.01, 0.98), neighbour=(NEIGHBOUR, 0.99, 0.01))

    assert decide(log_odds(NOT_MOVED, both)).value == NONE


def test_without_a_box_over_the_face_nothing_is_told() -> None:
    small = NOT_MOVED.copy()
    small[:, 2:] = -100.0  # every box shrinks to nothing

    estimate = decide(log_odds(small, scores(face=(FACE, 0.98, 0.01))))

    assert (estimate.value, estimate.cannot_tell) == (None, CannotTell.UNDECIDED)
