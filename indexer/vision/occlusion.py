"""Covers parts of an aligned face, and draws which parts mattered."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Image, Template
from indexer.vision.align import ARCFACE_112, similarity

GRID = 8
"""Cells of a map along a side of `ARCFACE_112`: 14 pixels each."""
DRAWN_PX = 224
_JPEG_QUALITY = 85


def covered(face: Image, template: Template, cells: NDArray[np.bool_]) -> Image:
    """`face`, aligned to `template`, with some of the `cells` (GRID, GRID) in the face's mean colour."""
    mask = _at(template, cells.astype(np.uint8), template.side_px, cv2.INTER_NEAREST)
    result = face.copy()
    result[mask.astype(bool)] = face.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    return result


def drawn(face: Image, template: Template, drops: NDArray[np.float64], largest: float) -> bytes:
    """A JPEG of the face beneath its map, `DRAWN_PX` along a side. `drops`: (GRID, GRID). `largest`: the drop
    that has the strongest colour; where there is none, the face stays as it is."""
    large = cv2.resize(face, (DRAWN_PX, DRAWN_PX), interpolation=cv2.INTER_CUBIC)
    shares = np.clip(drops / max(largest, 1e-9), 0.0, 1.0).astype(np.float32)
    smooth = np.clip(_at(template, shares, DRAWN_PX, cv2.INTER_LINEAR), 0.0, 1.0)
    colours = cv2.applyColorMap((smooth * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    weight = 0.6 * smooth[..., np.newaxis]
    mixed = large[..., ::-1] * (1 - weight) + colours * weight
    _, jpeg = cv2.imencode(".jpg", np.rint(mixed).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return jpeg.tobytes()


def beside(jpegs: Sequence[bytes]) -> bytes:
    """One JPEG of the pictures that `drawn` made, from left to right."""
    decoded = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in jpegs]
    pictures = [picture for picture in decoded if picture is not None]
    _, jpeg = cv2.imencode(".jpg", np.hstack(pictures), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return jpeg.tobytes()


def _at(template: Template, cells: NDArray, side_px: int, interpolation: int) -> NDArray:  # type: ignore[type-arg]
    """A map (GRID, GRID) of `ARCFACE_112` over a face that is aligned to `template`, (side_px, side_px)."""
    cell_px = ARCFACE_112.side_px / GRID
    to_template = similarity(ARCFACE_112.points, template.points)
    scale = side_px / template.side_px
    # From cells, whose middles are whole numbers, to pixels.
    middle = np.array([cell_px / 2, cell_px / 2])
    shift = (to_template[:, :2] @ middle + to_template[:, 2]) * scale
    transform = np.column_stack([to_template[:, :2] * cell_px * scale, shift])
    return cv2.warpAffine(
        cells, transform, (side_px, side_px), flags=interpolation, borderMode=cv2.BORDER_REPLICATE
    )
