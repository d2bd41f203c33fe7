"""Aligns a face to a template, by a similarity transform of its five landmarks."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Crop, Image, Points, Template

ARCFACE_112 = Template(
    name="arcface-112-v1",
    side_px=112,
    points=np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
        np.float32,
    ),
    refined=False,
)
"""The five points of InsightFace's ArcFace (Deng et al. 2019); SFace was trained on faces aligned to them."""

ARCFACE_224 = Template(name="arcface-224-v1", side_px=224, points=2 * ARCFACE_112.points, refined=False)
"""ARCFACE_112 at twice the size."""

DLIB_150 = Template(
    name="dlib-150-v1",
    side_px=150,
    points=np.array([[44, 45], [99, 46], [69, 75], [48, 100], [94, 100]], np.float32),
    refined=False,
)
"""Where the five points lie after dlib's own alignment, which uses the eye corners and the nose base."""


def _version_2(template: Template) -> Template:
    return replace(template, name=template.name.removesuffix("v1") + "v2", refined=True)


ARCFACE_112_V2, ARCFACE_224_V2, DLIB_150_V2 = map(_version_2, (ARCFACE_112, ARCFACE_224, DLIB_150))
"""The same points, for refined landmarks (`vision.detection.refine`)."""

TEMPLATES = {
    template.name: template
    for template in (ARCFACE_112, ARCFACE_224, DLIB_150, ARCFACE_112_V2, ARCFACE_224_V2, DLIB_150_V2)
}

CROP_MARGIN = 0.25
"""Of a stored crop, on each side, as a share of the ArcFace template's side."""
CROP_SCALE = (1.0, 2.0)
"""Least and largest scale of a stored crop against the template: its side is 168 to 336 pixels. Smaller faces
are enlarged, because JPEG would blur the few details that they have."""

CROP_JPEG_QUALITY = 95

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"

_MARGIN_BLOCKS = 2
"""Around the region that a warp reads: bilinear interpolation needs one more block on each side."""


def align(image: Image, landmarks: Points, template: Template, *, divisor: int = 1) -> Image:
    """The face at `landmarks`, aligned to `template`, shape (side, side, 3); black outside of the picture.

    `divisor`: pixels of the photograph, in which the landmarks are, for each one of `image`, along a side."""
    transform = similarity(landmarks, template.points)
    return warp(image, transform, template.side_px, divisor)


def inside(
    image: Image, landmarks: Points, template: Template, *, divisor: int = 1
) -> NDArray[np.bool_] | None:
    """Which pixels of the face that `align` makes, (side, side), lie in the picture; None where all do."""
    transform = similarity(landmarks, template.points)
    height, width = image.shape[0] * divisor, image.shape[1] * divisor
    least, most = _needed(transform, template.side_px)
    if least.min() >= 0 and most[0] <= width and most[1] <= height:
        return None
    linear = transform[:, :2].T / max(_scale(transform) ** 2, 1e-12)  # of a similarity: its inverse
    places = np.stack(np.meshgrid(*[np.arange(template.side_px)] * 2), axis=-1)  # x, y of each pixel
    x, y = np.moveaxis((places - transform[:, 2]) @ linear.T, -1, 0)
    return np.asarray((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))


def crop_with_margin(image: Image, landmarks: Points, *, divisor: int = 1) -> Crop:
    """The upright face with a margin, at its own resolution within the limits of `CROP_SCALE`.

    `divisor`: as of `align`."""
    native = 1.0 / (enlargement(landmarks, ARCFACE_112) * divisor)
    scale = float(np.clip(native, *CROP_SCALE))
    margin = CROP_MARGIN * ARCFACE_112.side_px
    targets = ((ARCFACE_112.points + margin) * scale).astype(np.float32)
    side_px = round((ARCFACE_112.side_px + 2 * margin) * scale)
    transform = similarity(landmarks, targets)
    moved = landmarks @ transform[:, :2].T + transform[:, 2]
    pixels = cv2.cvtColor(warp(image, transform, side_px, divisor), cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, CROP_JPEG_QUALITY])
    return Crop(jpeg=jpeg.tobytes(), landmarks=moved.astype(np.float32))


def decode_crop(jpeg: bytes) -> Image | None:
    """The pixels of a crop that `crop_with_margin` made, shape (side, side, 3), RGB; None if it is damaged.

    Without the checks of foreign pictures, which take as long as the decoding.
    """
    if not (jpeg.startswith(_JPEG_START) and jpeg.endswith(_JPEG_END)):
        return None  # OpenCV would make the missing part of a picture grey
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return None if pixels is None else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def enlargement(landmarks: Points, template: Template) -> float:
    """Pixels of the aligned face for each pixel of the photograph, along a side."""
    return _scale(similarity(landmarks, template.points))


def similarity(source: Points, target: Points) -> NDArray[np.float64]:
    """The (2, 3) rotation, scale and shift that brings `source` closest to `target`, without mirroring.

    Least squares in closed form (Umeyama 1991, eq. 40-43). In the plane the singular value decomposition
    reduces to one complex number: scale and rotation are <target, source> / <source, source>.
    """
    source_mean = source.mean(axis=0, dtype=np.float64)
    target_mean = target.mean(axis=0, dtype=np.float64)
    a = (source - source_mean) @ np.array([1, 1j])
    b = (target - target_mean) @ np.array([1, 1j])
    spread = float(np.vdot(a, a).real)
    factor = np.vdot(a, b) / spread if spread > 0 else 1.0 + 0j
    rotation = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    shift = target_mean - rotation @ source_mean
    return np.column_stack([rotation, shift])


def warp(image: Image, transform: NDArray[np.float64], side_px: int, divisor: int) -> Image:
    """Bilinear; first averages whole blocks of pixels if the face is more than twice too large.

    `transform`: from the photograph, whose pixels `image` has at 1 / `divisor`. Only the face's region of
    `image` is read: its time does not depend on the size of the picture."""
    transform = _from_reduced(transform, np.full(2, divisor), np.zeros(2))
    block = max(1, int(1.0 / max(_scale(transform), 1e-3)))
    size = np.array([image.shape[1], image.shape[0]])
    blocks = np.maximum(1, size // block)
    per_block = size / blocks  # a block more or less as large: no remainder at the picture's end
    nearest, farthest = _needed(transform, side_px)
    first = np.clip(np.floor(nearest / per_block) - _MARGIN_BLOCKS, 0, blocks - 1)
    last = np.clip(np.ceil(farthest / per_block) + _MARGIN_BLOCKS, first + 1, blocks)
    (left, top), (right, bottom) = (np.rint(place * per_block).astype(int) for place in (first, last))
    region = image[top:bottom, left:right]
    width, height = (last - first).astype(int)
    if block >= 2:
        region = np.asarray(cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    factors = np.array([(right - left) / width, (bottom - top) / height])
    transform = _from_reduced(transform, factors, np.array([left, top]))
    warped = cv2.warpAffine(region, transform, (side_px, side_px), flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.uint8)


def _scale(transform: NDArray[np.float64]) -> float:
    return float(np.hypot(transform[0, 0], transform[1, 0]))


def _needed(transform: NDArray[np.float64], side_px: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The corners of the rectangle, (x, y) each, that the warp reads; it may exceed the picture."""
    corners = np.array([[0, 0], [side_px, 0], [0, side_px], [side_px, side_px]], np.float64)
    inverse = transform[:, :2].T / max(_scale(transform) ** 2, 1e-12)
    read = (corners - transform[:, 2]) @ inverse.T
    return read.min(axis=0), read.max(axis=0)


def _from_reduced(
    transform: NDArray[np.float64], factors: NDArray[Any], corner: NDArray[Any]
) -> NDArray[np.float64]:
    """The transform from a part of a picture, reduced by `factors` (x, y); `corner`: its left and top.

    Pixel centres: x in the reduced part is factor * (x + 0.5) - 0.5 + left in the picture."""
    shift = transform[:, :2] @ (factors / 2 - 0.5 + corner) + transform[:, 2]
    return np.column_stack([transform[:, :2] * factors, shift])
