"""Frames that differ."""

import numpy as np
import pytest

from indexer.liveness.evidence import count_distinct
from indexer.types import Image


def flat(value: int) -> Image:
    return np.full((112, 112, 3), value, np.uint8)


def noise(seed: int) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (112, 112, 3), np.uint8)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_faces_without_contrast_do_not_count_as_distinct(value: int) -> None:
    assert count_distinct(4 * [flat(value)]) == 0
    assert count_distinct([noise(1), flat(value), noise(2)]) == 2


def test_faces_that_no_homography_maps_onto_each_other_are_distinct() -> None:
    assert count_distinct([noise(1), noise(2), noise(1), noise(3)]) == 3
