"""Faces that are matched to nobody."""

from dataclasses import replace

import pytest

from indexer.records.tables import Gallery
from indexer.usecases.searches.match_limits import MatchLimits, UnmatchedReason
from tests.support.strangers import QUALITY

SETTINGS = MatchLimits(min_face_px=20, min_sharpness=0.01, max_miss_rate=0.8)


@pytest.mark.parametrize(
    ("face_px", "sharpness", "reason"),
    [
        (20.0, 0.01, None),
        (19.9, 0.01, UnmatchedReason.FACE_TOO_SMALL),
        (20.0, 0.0099, UnmatchedReason.FACE_BLURRED),
        (1.0, 0.0, UnmatchedReason.FACE_TOO_SMALL),
    ],
)
def test_a_face_below_a_limit_is_matched_to_nobody_for_a_reason(
    face_px: float, sharpness: float, reason: UnmatchedReason | None
) -> None:
    quality = replace(QUALITY, face_px=face_px, sharpness_ratio=sharpness)

    assert SETTINGS.reason_against(quality) is reason


@pytest.mark.parametrize(
    ("expected_miss_rate", "reason"),
    [(None, None), (0.8, None), (0.81, UnmatchedReason.FACE_UNRECOGNISABLE)],
)
def test_a_face_that_most_searches_would_miss_is_matched_to_nobody(
    expected_miss_rate: float | None, reason: UnmatchedReason | None
) -> None:
    quality = replace(QUALITY, expected_miss_rate=expected_miss_rate)

    assert SETTINGS.reason_against(quality) is reason


def test_a_gallery_has_its_own_limits_and_turns_others_off() -> None:
    assert SETTINGS.for_gallery(Gallery(name="a")) == SETTINGS
    assert SETTINGS.for_gallery(Gallery(name="a", min_match_face_px=0)) == MatchLimits(
        min_face_px=0, min_sharpness=0.01, max_miss_rate=0.8
    )
    assert SETTINGS.for_gallery(
        Gallery(name="a", min_match_face_px=40, min_match_sharpness=0, max_match_miss_rate=1)
    ) == MatchLimits(min_face_px=40, min_sharpness=0, max_miss_rate=1)
