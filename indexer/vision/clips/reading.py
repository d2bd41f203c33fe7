"""Decodes some frames of a clip. Only `process` calls this with files from outside."""

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from indexer.errors import ClipTooExpensive, ClipTooLarge, InvalidInput, UnreadableClip, UnsupportedClipFormat
from indexer.types import Image
from indexer.vision.clips.sampling import EvenSample

CODECS = frozenset({"h264", "avc1", "avc3", "VP80", "VP90", "vp80", "vp90", "vp08", "vp09"})
"""H.264, VP8 and VP9, by the codes that containers and FFmpeg have for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipLimits:
    max_frames: int = 30
    """That are kept, an even number: the clip has at least half as many at equal distances, or all it has."""
    max_side_px: int = 1280
    """Of a frame that is kept: larger ones are reduced."""
    max_pixels: int = 3840 * 2160
    """Of a frame in the file."""
    max_seconds: float = 30.0
    """Of the clip."""
    max_decoded: int = 1800
    """Frames of the file: 60 a second."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipFrame:
    at_ms: int
    """Since the beginning of the clip."""
    pixels: Image
    """Shape (height, width, 3), RGB, upright by the rotation that the file states."""


def read_frames(data: bytes, limits: ClipLimits) -> list[ClipFrame]:
    """Frames at equal distances, in their order, at least one.

    Raises UnsupportedClipFormat, UnreadableClip, ClipTooLarge, ClipTooExpensive."""
    try:
        return _read(data, limits)
    except InvalidInput:
        raise
    except MemoryError:
        raise ClipTooExpensive("decoding the clip takes more memory than the limit") from None
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise ClipTooExpensive("decoding the clip takes more memory than the limit") from None
        raise UnreadableClip("the clip is damaged") from None


def _read(data: bytes, limits: ClipLimits) -> list[ClipFrame]:
    stream: Any = io.BytesIO(data)  # OpenCV reads any io.BufferedIOBase; its stubs do not say so
    capture = cv2.VideoCapture(stream, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise UnreadableClip("the clip is damaged, or has no video")
    codec = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("latin-1")
    if codec not in CODECS:
        raise UnsupportedClipFormat("a clip is H.264, VP8 or VP9", readable=["H.264", "VP8", "VP9"])
    _check_size(int(capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)), limits)
    kept: EvenSample[ClipFrame] = EvenSample(limits.max_frames)
    number = 0
    while capture.grab():
        at_ms = capture.get(cv2.CAP_PROP_POS_MSEC)
        at_ms = at_ms if np.isfinite(at_ms) else 0.0
        _check_length(at_ms / 1000, number, limits)
        if kept.wants(number):
            found, pixels = capture.retrieve()
            if found:
                kept.keep(
                    ClipFrame(
                        at_ms=max(0, round(at_ms)), pixels=_reduced(np.asarray(pixels, np.uint8), limits)
                    )
                )
        number += 1
    if not kept.items:
        raise UnreadableClip("the clip is damaged: none of its frames can be decoded")
    return kept.items


def _check_size(pixels: int, limits: ClipLimits) -> None:
    if pixels > limits.max_pixels:
        raise ClipTooLarge(
            f"the clip's frames have {pixels} pixels, more than the limit of {limits.max_pixels}",
            measured=pixels,
            limit=limits.max_pixels,
        )


def _check_length(seconds: float, number: int, limits: ClipLimits) -> None:
    if seconds > limits.max_seconds:
        raise ClipTooLarge(
            f"the clip is longer than the limit of {limits.max_seconds:g} seconds", limit=limits.max_seconds
        )
    if number >= limits.max_decoded:
        raise ClipTooLarge(f"the clip has more than {limits.max_decoded} frames", limit=limits.max_decoded)


def _reduced(pixels: Image, limits: ClipLimits) -> Image:
    """From BGR. Raises ClipTooLarge for a frame that is larger than its file has stated."""
    height, width = pixels.shape[:2]
    _check_size(height * width, limits)
    scale = limits.max_side_px / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
