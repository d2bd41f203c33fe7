"""Ordinary files of all formats are read; expensive ones are rejected before a pixel is decoded."""

import io
import math
import struct
import tracemalloc
import zlib

import cv2
import numpy as np
import PIL.Image
import pillow_heif
import pytest

from indexer.errors import ImageTooExpensive, ImageTooLarge, InvalidInput, UnreadableImage
from indexer.vision.decoding.decode import decode, decode_picture
from tests.support.hostile import costly_pictures
from tests.support.hostile.costly_pictures import png_chunk
from tests.support.pictures import encoded

pillow_heif.register_heif_opener()  # to write test pictures

LIMIT = 1_000_000
Y, X = np.mgrid[0:120, 0:160]
SMOOTH = np.dstack([X + 20, Y + 60, 200 - X // 2]).astype(np.uint8)
"""Without sharp edges, so that lossy formats keep it."""


def smooth() -> PIL.Image.Image:
    return PIL.Image.fromarray(SMOOTH)


def with_orientation(orientation: int) -> bytes:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def assert_alike(decoded: np.ndarray, original: np.ndarray, most: float = 6.0) -> None:
    assert decoded.shape == original.shape
    assert np.abs(decoded.astype(int) - original).mean() < most


def test_a_heic_is_read() -> None:
    assert_alike(decode(encoded(smooth(), "HEIF", quality=95), max_pixels=LIMIT), SMOOTH)


def test_an_avif_is_read() -> None:
    assert_alike(decode(encoded(smooth(), "AVIF", quality=95), max_pixels=LIMIT), SMOOTH)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_heic_and_avif_are_rotated_once(orientation: int) -> None:
    turned = {3: np.rot90(SMOOTH, 2), 6: np.rot90(SMOOTH), 8: np.rot90(SMOOTH, -1)}[orientation]
    stored = PIL.Image.fromarray(np.ascontiguousarray(turned))

    for format in ("HEIF", "AVIF"):
        data = encoded(stored, format, quality=95, exif=with_orientation(orientation))

        assert_alike(decode(data, max_pixels=LIMIT), SMOOTH)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("lost", [1, 2])
def test_a_jpeg_without_its_last_two_bytes_is_read(hopper: bytes, progressive: bool, lost: int) -> None:
    whole = encoded(PIL.Image.open(io.BytesIO(hopper)), "JPEG", progressive=progressive, quality=90)

    np.testing.assert_array_equal(decode(whole[:-lost], max_pixels=LIMIT), decode(whole, max_pixels=LIMIT))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.95, 0.98, 0.99])
def test_a_jpeg_with_a_missing_part_is_rejected(hopper: bytes, progressive: bool, share: float) -> None:
    whole = encoded(PIL.Image.open(io.BytesIO(hopper)), "JPEG", progressive=progressive, quality=90)

    with pytest.raises(UnreadableImage, match="truncated"):
        decode(whole[: int(len(whole) * share)], max_pixels=LIMIT)


def test_a_progressive_jpeg_that_ends_after_any_of_its_scans_but_the_last_is_rejected(hopper: bytes) -> None:
    whole = encoded(PIL.Image.open(io.BytesIO(hopper)), "JPEG", progressive=True, quality=90)
    ends = [at for at in range(1000, len(whole)) if whole[at : at + 2] in (b"\xff\xc4", b"\xff\xda")]
    assert len(ends) > 5

    for end in ends:
        with pytest.raises(InvalidInput):
            decode(whole[:end], max_pixels=LIMIT)


def test_a_jpeg_with_bytes_before_its_start_is_read(hopper: bytes) -> None:
    expected = decode(hopper, max_pixels=LIMIT)
    for before in (b"\n", b"\0" * 100, b"Content-Type: image/jpeg\r\n\r\n", bytes(60_000)):
        np.testing.assert_array_equal(decode(before + hopper, max_pixels=LIMIT), expected)


def with_chunk(kind: bytes, content: bytes, checksum: int | None = None) -> bytes:
    data = encoded(smooth(), "PNG")
    chunk = png_chunk(kind, content)
    if checksum is not None:
        chunk = chunk[:-4] + struct.pack(">I", checksum)
    return data[:33] + chunk + data[33:]


@pytest.mark.parametrize(
    "data",
    [
        with_chunk(b"tEXt", b"Comment\0" + b"x" * 3_000_000),
        with_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))),
        with_chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
        with_chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(3_000_000))),
        with_chunk(b"iCCP", b"profile\0\0" + b"no zlib at all"),
    ],
    ids=["text", "packed text", "international text", "profile", "broken profile"],
)
def test_a_png_with_megabytes_of_text_or_profile_is_read(data: bytes) -> None:
    np.testing.assert_array_equal(decode(data, max_pixels=LIMIT), SMOOTH)


@pytest.mark.parametrize("kind", [b"tEXt", b"gAMA", b"pHYs", b"iCCP", b"eXIf", b"tIME", b"prVt"])
def test_a_png_with_a_wrong_checksum_beside_its_pixels_is_read(kind: bytes) -> None:
    np.testing.assert_array_equal(decode(with_chunk(kind, b"abc\0d", 1), max_pixels=LIMIT), SMOOTH)


def test_a_png_with_a_wrong_checksum_of_its_size_is_rejected() -> None:
    data = bytearray(encoded(smooth(), "PNG"))
    data[29] ^= 1

    with pytest.raises(UnreadableImage, match="IHDR"):
        decode(bytes(data), max_pixels=LIMIT)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_half_a_png_is_rejected(hopper: bytes, share: float) -> None:
    whole = encoded(PIL.Image.open(io.BytesIO(hopper)), "PNG")

    with pytest.raises(UnreadableImage):
        decode(whole[: int(len(whole) * share)], max_pixels=LIMIT)


def grey_of(bits: int, format: str) -> bytes:
    grey = (SMOOTH[:, :, 0].astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
    if format == "PGM":
        head = f"P5 {grey.shape[1]} {grey.shape[0]} {(1 << bits) - 1}\n".encode()
        return head + grey.astype(">u2").tobytes()
    return encoded(PIL.Image.fromarray(grey), format)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "PGM"])
def test_ten_to_sixteen_bits_of_grey_keep_their_brightness(bits: int, format: str) -> None:
    expected = np.repeat(SMOOTH[:, :, :1], 3, axis=2)

    decoded = decode(grey_of(bits, format), max_pixels=LIMIT)

    np.testing.assert_allclose(decoded.astype(int), expected, atol=1)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("extension", [".png", ".tiff"])
def test_ten_to_sixteen_bits_of_colour_keep_their_brightness(bits: int, extension: str) -> None:
    deep = (SMOOTH.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
    _, file = cv2.imencode(extension, deep[:, :, ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 1])

    np.testing.assert_allclose(decode(file.tobytes(), max_pixels=LIMIT).astype(int), SMOOTH, atol=1)


def test_a_pgm_is_scaled_by_its_declared_maximum() -> None:
    assert decode(b"P5 2 1 100\n" + bytes([50, 100]), max_pixels=LIMIT)[0, :, 0].tolist() == [128, 255]
    assert decode(b"P2 2 1 1000\n500 1000", max_pixels=LIMIT)[0, :, 0].tolist() == [128, 255]


@pytest.mark.parametrize(
    "data",
    [
        b"P1 # bits\n3 2\n1 0 1\n0 # one\n1 0\n",
        b"P1\n3 2\n101010",
        b"P4 3 2\n\xa0\x40",
        b"P2\n3 2\n255\n0 255 0 255 # and\n 0 255\n",
        b"P5 3 2 255\n\x00\xff\x00\xff\x00\xff",
        b"P3 3 2 1 0 0 0 1 1 1 0 0 0 1 1 1 0 0 0 1 1 1",
        b"P6\n# a comment\n3 2\n255\n" + (bytes(3) + b"\xff" * 3) * 3,
    ],
)
def test_plain_and_binary_pixmaps_are_read(data: bytes) -> None:
    expected = np.array([[0, 255, 0], [255, 0, 255]])

    np.testing.assert_array_equal(decode(data, max_pixels=LIMIT)[:, :, 1], expected)


@pytest.mark.parametrize("data", [b"P5 3 2 255\n\0\0", b"P2 3 2 255\n1 2 3", b"P6 3 2 255\n", b"P4 9 9\n\0"])
def test_a_pixmap_with_missing_values_is_rejected(data: bytes) -> None:
    with pytest.raises(UnreadableImage, match="truncated"):
        decode(data, max_pixels=LIMIT)


def test_sixteen_bits_take_a_few_bytes_of_memory_per_pixel() -> None:
    grey = np.arange(4_000_000, dtype=np.uint32).reshape(2000, 2000).astype(np.uint16)
    data = encoded(PIL.Image.fromarray(grey), "PNG", compress_level=1)
    tracemalloc.start()
    try:
        decode(data, max_pixels=4_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak - len(data) < 8 * grey.size  # 3 bytes per pixel are the result


@pytest.mark.parametrize(("divisor", "limit"), [(1, 3_000_000), (2, 1_000_000), (2, 600_001)])
def test_a_jpeg_above_the_limit_is_decoded_at_a_fraction(divisor: int, limit: int) -> None:
    data = encoded(smooth().resize((2000, 1200)), "JPEG", quality=90)

    picture = decode_picture(data, max_pixels=limit)

    assert picture.pixels.shape == (1200 // divisor, 2000 // divisor, 3)
    assert (picture.width_px, picture.height_px) == (2000, 1200)
    assert picture.divisor == divisor
    assert_alike(picture.pixels, np.asarray(smooth().resize((2000 // divisor, 1200 // divisor))))


@pytest.mark.parametrize(
    ("min_side_px", "divisor"), [(math.inf, 1), (1001, 1), (1000, 2), (501, 2), (500, 4), (1, 8)]
)
def test_a_jpeg_is_decoded_with_no_more_pixels_than_are_needed(min_side_px: float, divisor: int) -> None:
    data = encoded(smooth().resize((2000, 1200)), "JPEG", quality=90)

    picture = decode_picture(data, max_pixels=3 * LIMIT, min_side_px=min_side_px)

    assert picture.pixels.shape == (1200 // divisor, 2000 // divisor, 3)
    assert (picture.width_px, picture.height_px, picture.divisor) == (2000, 1200, divisor)


def test_the_limit_of_pixels_stands_above_what_is_needed() -> None:
    data = encoded(smooth().resize((2000, 1200)), "JPEG", quality=90)

    assert decode_picture(data, max_pixels=600_001, min_side_px=2000).divisor == 2


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_other_formats_are_decoded_whole(format: str) -> None:
    data = encoded(smooth(), format)

    picture = decode_picture(data, max_pixels=LIMIT, min_side_px=1)

    assert picture.divisor == 1
    assert (picture.height_px, picture.width_px) == picture.pixels.shape[:2] == smooth().size[::-1]


def test_the_size_of_a_large_rotated_jpeg_is_that_of_the_upright_picture() -> None:
    data = encoded(smooth().resize((2000, 1200)), "JPEG", exif=with_orientation(6))

    picture = decode_picture(data, max_pixels=1_000_000)

    assert picture.pixels.shape == (1000, 600, 3)
    assert (picture.width_px, picture.height_px) == (1200, 2000)


@pytest.mark.parametrize(
    ("format", "options"), [("PNG", {}), ("WEBP", {}), ("TIFF", {}), ("JPEG", {"progressive": True})]
)
def test_a_picture_above_the_limit_is_rejected_with_the_setting_that_raises_it(
    format: str, options: dict[str, bool]
) -> None:
    data = encoded(PIL.Image.new("L", (1800, 1200)), format, **options)

    with pytest.raises(ImageTooLarge, match="GEMEL_MAX_IMAGE_MEGAPIXELS") as caught:
        decode(data, max_pixels=1_000_000)
    assert caught.value.details["measured"] == 2_160_000


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_without_exif_the_orientation_comes_from_xmp(format: str) -> None:
    xmp = b'<x:xmpmeta xmlns:tiff="http://ns.adobe.com/tiff/1.0/"><d tiff:Orientation="6"/></x:xmpmeta>'
    data = encoded(smooth(), format)
    if format == "JPEG":
        content = b"http://ns.adobe.com/xap/1.0/\0" + xmp
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + data[2:]
    else:
        data = data[:33] + png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp) + data[33:]

    assert decode(data, max_pixels=LIMIT).shape == (160, 120, 3)


@pytest.mark.parametrize("packed", [False, True])
def test_the_orientation_of_a_png_may_be_in_exif_in_a_text(packed: bool) -> None:
    exif = with_orientation(6)
    text = b"\nexif\n" + f"{len(exif):8}\n{exif.hex()}\n".encode()
    content = b"Raw profile type exif\0" + (b"\0" + zlib.compress(text) if packed else text)
    data = with_chunk(b"zTXt" if packed else b"tEXt", content)

    assert decode(data, max_pixels=LIMIT).shape == (160, 120, 3)


@pytest.mark.parametrize(
    "kind", ["JPEG with EXIF of overlapping tags", "PNG with EXIF of overlapping tags", "PNG of packed texts"]
)
def test_data_beside_the_pixels_takes_little_memory(kind: str) -> None:
    data = costly_pictures.COSTLY[kind]()
    tracemalloc.start()
    try:
        assert decode(data, max_pixels=LIMIT).shape == (64, 64, 3)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2 * len(data) + 2_000_000


BEFORE_DECODING = {
    "progressive JPEG of 3,000 scans": ImageTooExpensive,
    "JPEG of 2,000,000 comments": ImageTooExpensive,
    "JPEG with 8 MB of rubbish between segments": UnreadableImage,
    "PNG of 600,000 texts": ImageTooExpensive,
    "PNG of 600,000 empty chunks of pixels": ImageTooExpensive,
    "PNG of 1 x 49,000,000": ImageTooLarge,
    "GIF whose frame is disposed of": ImageTooLarge,
    "GIF whose frame is larger than its screen": ImageTooLarge,
    "GIF of 2,000,000 comments": ImageTooExpensive,
    "WebP of a large canvas": ImageTooLarge,
    "BMP of run lengths": ImageTooExpensive,
    "PGM of 4,000,000 comments": UnreadableImage,
    "plain PPM of 4,000,000 comments": ImageTooExpensive,
    "TIFF of 60,000 tags": ImageTooExpensive,
    "HEIC of a large size": ImageTooLarge,
    "AVIF of a large size": ImageTooLarge,
    "HEIC of 1,000,000 boxes": ImageTooExpensive,
    "HEIC of 1,000,000 boxes in boxes": ImageTooExpensive,
}


@pytest.mark.parametrize("kind", BEFORE_DECODING)
def test_an_expensive_picture_is_rejected_before_it_is_decoded(kind: str) -> None:
    data = costly_pictures.COSTLY[kind]()
    tracemalloc.start()
    try:
        with pytest.raises(BEFORE_DECODING[kind]):
            decode(data, max_pixels=50_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2 * len(data) + 20_000_000
