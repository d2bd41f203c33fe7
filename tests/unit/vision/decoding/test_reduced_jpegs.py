"""A JPEG that is decoded with fewer pixels: places in it, times the divisor, are those of the photograph."""

import numpy as np
import PIL.Image
import pytest

from indexer.vision.decoding.decode import decode_picture
from tests.support.pictures import encoded

LIMIT = 10_000_000


def with_orientation(orientation: int) -> bytes:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def spot_in(width: int, height: int) -> PIL.Image.Image:
    """Black, with a white rectangle."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[height // 2 : height // 2 + 40, width // 2 : width // 2 + 60] = 255
    return PIL.Image.fromarray(pixels)


def middle(pixels: np.ndarray) -> np.ndarray:
    """Of the white rectangle, x and y from the picture's corner."""
    weights = np.where(pixels[..., 0] > 40, pixels[..., 0], 0).astype(float)
    rows, columns = np.indices(weights.shape)
    return np.array([np.average(columns + 0.5, weights=weights), np.average(rows + 0.5, weights=weights)])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_place_in_a_reduced_jpeg_is_that_of_the_photograph_in_every_orientation(orientation: int) -> None:
    data = encoded(spot_in(1605, 1203), "JPEG", quality=95, exif=with_orientation(orientation))
    whole = decode_picture(data, max_pixels=LIMIT)

    reduced = decode_picture(data, max_pixels=LIMIT, min_side_px=200)

    np.testing.assert_allclose(middle(reduced.pixels) * reduced.divisor, middle(whole.pixels), atol=1.0)


def test_a_rotated_jpeg_whose_sides_divide_is_reduced_as_one_that_is_not_rotated() -> None:
    data = encoded(spot_in(1600, 1200), "JPEG", exif=with_orientation(6))

    reduced = decode_picture(data, max_pixels=LIMIT, min_side_px=200)

    assert (reduced.divisor, reduced.pixels.shape) == (8, (200, 150, 3))


def test_a_rotated_jpeg_above_the_limit_of_pixels_is_reduced_even_if_its_sides_do_not_divide() -> None:
    data = encoded(spot_in(1605, 1203), "JPEG", exif=with_orientation(3))

    assert decode_picture(data, max_pixels=1_000_000).divisor == 2


def test_a_jpeg_of_few_lines_is_decoded_as_far_as_it_can_be_reduced() -> None:
    data = encoded(spot_in(8000, 3), "JPEG")

    reduced = decode_picture(data, max_pixels=LIMIT, min_side_px=640)

    assert (reduced.divisor, reduced.pixels.shape) == (2, (2, 4000, 3))
