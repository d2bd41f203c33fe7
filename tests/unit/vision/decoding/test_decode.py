"""Decoding gives the picture that a viewer shows, upright and in 8 bits."""

import io
import re

import numpy as np
import PIL.Image
import pytest

from indexer.errors import ImageTooLarge, UnreadableImage, UnsupportedImageFormat
from indexer.vision.decoding.decode import decode
from tests.support.pictures import encoded

LIMIT = 1_000_000
GRADIENT = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_formats_are_decoded_exactly(format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(PIL.Image.fromarray(GRADIENT), format, **options)

    np.testing.assert_array_equal(decode(data, max_pixels=LIMIT), GRADIENT)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_becomes_upright(orientation: int) -> None:
    """The pixels are stored as the tag says; decoding returns the upright picture."""
    turned = {
        1: GRADIENT,
        2: GRADIENT[:, ::-1],
        3: GRADIENT[::-1, ::-1],
        4: GRADIENT[::-1],
        5: GRADIENT.transpose(1, 0, 2),
        6: np.rot90(GRADIENT),
        7: GRADIENT[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(GRADIENT, -1),
    }[orientation]
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    for format in ("PNG", "TIFF"):
        data = encoded(PIL.Image.fromarray(np.ascontiguousarray(turned)), format, exif=exif)

        np.testing.assert_array_equal(decode(data, max_pixels=LIMIT), GRADIENT)


def test_sixteen_bits_of_grey_become_eight() -> None:
    wide = (np.arange(48 * 64).reshape(48, 64) * 21).astype(np.uint16)

    decoded = decode(encoded(PIL.Image.fromarray(wide), "PNG"), max_pixels=LIMIT)

    np.testing.assert_array_equal(decoded, np.repeat((wide >> 8).astype(np.uint8)[..., None], 3, axis=2))


def test_transparent_pixels_become_white() -> None:
    rgba = np.dstack([GRADIENT, np.zeros((48, 64), np.uint8)])

    assert (decode(encoded(PIL.Image.fromarray(rgba), "PNG"), max_pixels=LIMIT) == 255).all()


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_an_animation_gives_its_first_frame(format: str) -> None:
    red, blue = (PIL.Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    data = encoded(red, format, save_all=True, append_images=[blue])

    assert decode(data, max_pixels=LIMIT).reshape(-1, 3).mean(axis=0) == pytest.approx([255, 0, 0], abs=8)


def test_cmyk_is_converted() -> None:
    data = encoded(PIL.Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")

    assert decode(data, max_pixels=LIMIT).reshape(-1, 3).mean(axis=0) == pytest.approx([254, 0, 0], abs=12)


def test_too_many_pixels_are_rejected_by_the_header_alone() -> None:
    """The header says 50,000 x 50,000 and no pixel follows: the error is about the size."""
    data = bytearray(encoded(PIL.Image.new("L", (1, 1)), "PNG"))
    data[16:24] = (50_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")

    with pytest.raises(ImageTooLarge) as caught:
        decode(bytes(data), max_pixels=LIMIT)
    assert caught.value.details == {"measured": 2_500_000_000, "limit": LIMIT}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM"])
def test_a_file_truncated_anywhere_is_rejected_or_decoded(format: str) -> None:
    data = encoded(PIL.Image.fromarray(GRADIENT), format)
    for length in range(0, len(data), max(1, len(data) // 60)):
        try:
            decode(data[:length], max_pixels=LIMIT)
        except (UnreadableImage, UnsupportedImageFormat):
            pass


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM"])
def test_flipped_bytes_give_a_picture_or_a_rejection(format: str) -> None:
    data = encoded(PIL.Image.fromarray(GRADIENT), format)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), 4):
            damaged[at] = rng.integers(256)
        try:
            decoded = decode(bytes(damaged), max_pixels=LIMIT)
        except (UnreadableImage, UnsupportedImageFormat, ImageTooLarge):
            continue
        assert decoded.dtype == np.uint8
        assert decoded.ndim == 3
        assert decoded.shape[2] == 3


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xd8", b"%PDF-1.7", b"\0" * 100])
def test_bytes_that_are_no_picture_are_rejected(data: bytes) -> None:
    with pytest.raises((UnsupportedImageFormat, UnreadableImage)):
        decode(data, max_pixels=LIMIT)


def test_a_truncated_jpeg_is_rejected_instead_of_half_grey(hopper: bytes) -> None:
    with pytest.raises(UnreadableImage):
        decode(hopper[: len(hopper) // 2], max_pixels=LIMIT)


def test_a_jpeg_truncated_at_a_restart_marker_is_rejected(hopper: bytes) -> None:
    """The decoder then expects the next marker, and ignores bytes before it."""
    file = io.BytesIO()
    with PIL.Image.open(io.BytesIO(hopper)) as image:
        image.convert("RGB").resize((160, 160)).save(file, "JPEG", restart_marker_blocks=7)
    data = file.getvalue()
    cuts = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", data)]
    assert len(cuts) > 10

    for cut in cuts[:-1]:
        for end in range(cut - 1, cut + 4):
            with pytest.raises(UnreadableImage):
                decode(data[:end], max_pixels=LIMIT)
    np.testing.assert_array_equal(decode(data[:-2], max_pixels=LIMIT), decode(data, max_pixels=LIMIT))


def test_floating_point_pixels_are_rejected_with_the_reason() -> None:
    data = io.BytesIO()
    PIL.Image.new("F", (8, 8)).save(data, "TIFF")

    with pytest.raises(UnsupportedImageFormat, match="floating-point"):
        decode(data.getvalue(), max_pixels=LIMIT)
