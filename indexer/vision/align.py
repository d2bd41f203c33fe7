"""Aligns a face to a template, by a similarity transform of its five landmarks."""

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
)
"""The five points of InsightFace's ArcFace (Deng et al. 2019); SFace was trained on faces aligned to them."""

ARCFACE_224 = Template(name="arcface-224-v1", side_px=224, points=2 * ARCFACE_112.points)
"""ARCFACE_112 at twice the size."""

DLIB_150 = Template(
    name="dlib-150-v1",
    side_px=150,
    points=np.array([[44, 45], [99, 46], [69, 75], [48, 100], [94, 100]], np.float32),
)
"""Where the five points lie after dlib's own alignment, which uses the eye corners and the nose base."""

TEMPLATES = {template.name: template for template in (ARCFACE_112, ARCFACE_224, DLIB_150)}

CROP_MARGIN = 0.25
"""Of a stored crop, on each side, as a share of the ArcFace template's side."""
CROP_SCALE = (1.0, 2.0)
"""Least and largest scale of a stored crop against the template: its side is 168 to 336 pixels. Smaller faces
are enlarged, because JPEG would blur the few details that they have."""

CROP_JPEG_QUALITY = 95

_OPENCV_SIDE_PX = 32_767
"""OpenCV cannot warp a picture with a side as long as this (its SHRT_MAX)."""


def align(image: Image, landmarks: Points, template: Template) -> Image:
    """The face at `landmarks`, aligned to `template`, shape (side, side, 3); black outside of the picture."""
    transform = similarity(landmarks, template.points)
    return _warp(image, transform, template.side_px)


def crop_with_margin(image: Image, landmarks: Points) -> Crop:
    """The upright face with a margin, at its own resolution within the limits of `CROP_SCALE`."""
    to_template = similarity(landmarks, ARCFACE_112.points)
    native = 1.0 / float(np.hypot(to_template[0, 0], to_template[1, 0]))
    scale = float(np.clip(native, *CROP_SCALE))
    margin = CROP_MARGIN * ARCFACE_112.side_px
    targets = ((ARCFACE_112.points + margin) * scale).astype(np.float32)
    side_px = round((ARCFACE_112.side_px + 2 * margin) * scale)
    transform = similarity(landmarks, targets)
    moved = landmarks @ transform[:, :2].T + transform[:, 2]
    pixels = cv2.cvtColor(_warp(image, transform, side_px), cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, CROP_JPEG_QUALITY])
    return Crop(jpeg=jpeg.tobytes(), landmarks=moved.astype(np.float32))


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


def _warp(image: Image, transform: NDArray[np.float64], side_px: int) -> Image:
    """Bilinear; first averages whole blocks of pixels if the face is more than twice too large."""
    if max(image.shape[:2]) >= _OPENCV_SIDE_PX:
        image, transform = _part(image, transform, side_px)
    block = int(1.0 / max(float(np.hypot(transform[0, 0], transform[1, 0])), 1e-3))
    if block >= 2:
        height, width = (max(1, side // block) for side in image.shape[:2])
        fx, fy = image.shape[1] / width, image.shape[0] / height
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        # Pixel centres: x in the reduced picture is fx * (x + 0.5) - 0.5 in the full one.
        transform = np.column_stack(
            [
                transform[:, :2] * np.array([fx, fy]),
                transform[:, 2] + transform[:, :2] @ np.array([fx / 2 - 0.5, fy / 2 - 0.5]),
            ]
        )
    warped = cv2.warpAffine(image, transform, (side_px, side_px), flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.uint8)


def _part(image: Image, transform: NDArray[np.float64], side_px: int) -> tuple[Image, NDArray[np.float64]]:
    """The part of a very long picture that a warp needs, and the transform from that part."""
    corners = np.array([[0, 0], [side_px, 0], [0, side_px], [side_px, side_px]], np.float64)
    rotation, shift = transform[:, :2], transform[:, 2]
    needed = (corners - shift) @ np.linalg.inv(rotation).T
    margin = 2 + np.ptp(needed, axis=0).max() / side_px * 2
    size = np.array([image.shape[1], image.shape[0]])
    left, top = np.clip(np.floor(needed.min(axis=0) - margin), 0, size - 1).astype(int)
    right, bottom = np.clip(np.ceil(needed.max(axis=0) + margin), [left + 1, top + 1], size).astype(int)
    moved = np.column_stack([rotation, shift + rotation @ np.array([left, top])])
    return image[top:bottom, left:right], moved
