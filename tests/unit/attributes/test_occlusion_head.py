"""Covered parts are told by the estimates of masks and glasses, and by the detector's confidence."""

import pytest

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.heads.glasses import GLASSES, NONE, SUNGLASSES
from indexer.attributes.heads.mask import MASK
from indexer.attributes.heads.occlusion import decide

CERTAIN, DOUBTFUL = 0.95, 0.8
"""Confidences of the detector."""


def mask(probability: float) -> Estimate:
    scores = {MASK: probability, NONE: 1 - probability}
    return Estimate(value=max(scores, key=lambda name: scores[name]), confidence=0.9, scores=scores)


def glasses(sunglasses: float) -> Estimate:
    scores = {NONE: 0.0, GLASSES: 1 - sunglasses, SUNGLASSES: sunglasses}
    return Estimate(value=SUNGLASSES, confidence=0.9, scores=scores)


@pytest.mark.parametrize(
    ("of_mask", "of_sunglasses", "detector", "value"),
    [
        (0.01, 0.02, CERTAIN, ()),
        (0.99, 0.02, CERTAIN, ("mouth", "nose")),
        (0.01, 0.98, CERTAIN, ("eyes",)),
        (0.99, 0.98, CERTAIN, ("eyes", "mouth", "nose")),
        (0.99, 0.02, DOUBTFUL, ("mouth", "nose")),
        (0.01, 0.02, DOUBTFUL, None),
        (0.5, 0.02, CERTAIN, None),
        (0.99, 0.5, CERTAIN, None),
    ],
)
def test_parts_are_covered_by_masks_and_sunglasses_and_a_doubtful_face_is_not_called_bare(
    of_mask: float, of_sunglasses: float, detector: float, value: tuple[str, ...] | None
) -> None:
    estimate = decide(mask(of_mask), glasses(of_sunglasses), detector)

    assert estimate.value == value
    assert estimate.cannot_tell == (CannotTell.UNDECIDED if value is None else None)
    if value is not None:
        certain = max(of_mask, 1 - of_mask) * max(of_sunglasses, 1 - of_sunglasses)
        assert estimate.confidence == pytest.approx(certain)


def test_the_reason_of_a_head_that_saw_too_little_is_passed_on() -> None:
    small = Estimate.nothing(CannotTell.TOO_SMALL)
    turned = Estimate.nothing(CannotTell.TURNED_AWAY)

    assert decide(small, glasses(0.01), CERTAIN).cannot_tell == CannotTell.TOO_SMALL
    assert decide(mask(0.01), turned, CERTAIN).cannot_tell == CannotTell.TURNED_AWAY
    assert decide(Estimate.nothing(CannotTell.UNDECIDED), glasses(0.01), CERTAIN).value is None


def test_an_undecided_head_still_says_what_is_not_covered() -> None:
    """Whether somebody wears glasses is undecided; that they are no sunglasses is not."""
    unsure = Estimate.nothing(CannotTell.UNDECIDED, {NONE: 0.5, GLASSES: 0.49, SUNGLASSES: 0.01})

    assert decide(mask(0.01), unsure, CERTAIN).value == ()
