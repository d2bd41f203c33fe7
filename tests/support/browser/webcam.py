"""A camera for Chromium: a film of portraits that move over a background."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import BrowserContext

from tests.support.pictures import pixels

WIDTH_PX, HEIGHT_PX = 640, 480
FRAMES = 60
"""Two seconds: Chromium shows 30 frames of an MJPEG file a second, and begins again at its end."""
_SIZE_PX = 360
_PATH_PX = 40


class Webcam:
    """Of the pages of one test. At first there is none: a page that asks for one gets NotFoundError."""

    def __init__(self, context: BrowserContext, file: Path) -> None:
        """`file`: which the browser was started with."""
        self._context = context
        self._file = file

    def show(self, *portraits: bytes) -> None:
        """Puts people before the camera: files of portraits, none to two. A page that has the camera open
        sees those who were there before."""
        write(self._file, [pixels(portrait) for portrait in portraits])
        self._context.grant_permissions(["camera"])

    def deny(self) -> None:
        """There is a camera, but the user does not let the page use it: NotAllowedError."""
        write(self._file, [])
        self._context.clear_permissions()

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)


def write(path: Path, portraits: Sequence[NDArray[np.uint8]]) -> None:
    """Writes the frames one after another, as MJPEG: 2 MB. Without a portrait there is the background alone.

    `portraits`: RGB, at most two; they are shown side by side, upright, and move on circles.
    """
    down, right = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    background = np.stack([90 + down // 8, 110 + right // 16, 120 - down // 16], axis=-1).astype(np.uint8)
    size = _SIZE_PX if len(portraits) < 2 else 280
    small = [cv2.resize(portrait, (size, size), interpolation=cv2.INTER_AREA) for portrait in portraits]
    frames = []
    for number in range(FRAMES):
        angle = 2 * np.pi * number / FRAMES
        frame = background.copy()
        for place, portrait in enumerate(small):
            middle = WIDTH_PX * (2 * place + 1) // (2 * len(small))
            reach = min(_PATH_PX, (WIDTH_PX // len(small) - size) // 2)
            left = int(middle - size / 2 + reach * np.cos(angle))
            top = int((HEIGHT_PX - size) / 2 + reach * np.sin(angle))
            frame[top : top + size, left : left + size] = portrait
        encoded, jpeg = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
        assert encoded
        frames.append(jpeg.tobytes())
    path.write_bytes(b"".join(frames))
