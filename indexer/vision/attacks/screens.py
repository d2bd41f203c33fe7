"""Screens: a phone with its frame, and monitors that fill the photograph."""

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Image
from indexer.vision.attacks.place import photographed, placed, to_bytes


def phone(image: Image, rng: np.random.Generator) -> Image:
    """A phone with a dark frame and a reflection, held before a lens."""
    shown = _glare(_pixel_grid(_emitted(image, rng), rng), rng)
    height, width = image.shape[:2]
    frame = round(rng.uniform(0.03, 0.08) * width)
    chin = round(rng.uniform(0.06, 0.15) * height)
    dark = (float(rng.uniform(5, 40)),) * 3
    device = cv2.copyMakeBorder(
        to_bytes(shown), chin, chin, frame, frame, cv2.BORDER_CONSTANT, value=(*dark, 0.0)
    )
    return photographed(placed(device, rng.uniform(0.6, 0.85), 0.05, rng), rng)


def moire_screen(image: Image, rng: np.random.Generator) -> Image:
    """A monitor whose pixels interfere with the sensor's: coloured waves."""
    return photographed(to_bytes(_moire(_pixel_grid(_emitted(image, rng), rng), rng)), rng)


def banded_screen(image: Image, rng: np.random.Generator) -> Image:
    """A monitor that flickers while the sensor reads its rows: dark bands, and a reflection."""
    shown = _emitted(image, rng)
    rows = np.arange(image.shape[0])[:, np.newaxis, np.newaxis]
    period = image.shape[0] / rng.uniform(1.5, 6)
    wave = np.sin(2 * np.pi * rows / period + rng.uniform(0, 2 * np.pi))
    bands = 1 - rng.uniform(0.08, 0.3) * (0.5 + 0.5 * np.tanh(3 * wave))
    return photographed(to_bytes(_glare(_pixel_grid(shown * bands, rng), rng)), rng)


def _emitted(image: Image, rng: np.random.Generator) -> NDArray[np.float64]:
    """Bluish and of high contrast; black is not quite black."""
    black = rng.uniform(8, 25)
    contrast = rng.uniform(1.0, 1.25)
    cold = np.array([rng.uniform(0.86, 0.98), rng.uniform(0.95, 1.0), rng.uniform(1.0, 1.1)])
    raised = 128 + (image.astype(np.float64) - 128) * contrast
    return np.asarray((black + np.clip(raised, 0, 255) * ((255 - black) / 255)) * cold)


def _pixel_grid(shown: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Dark lines between the screen's pixels, and stripes of red, green and blue within them."""
    height, width = shown.shape[:2]
    pitch = rng.uniform(2.2, 3.6)
    depth = rng.uniform(0.04, 0.15)
    down = np.arange(height)[:, np.newaxis, np.newaxis]
    across = np.arange(width)[np.newaxis, :, np.newaxis]
    stripe = np.arange(3)[np.newaxis, np.newaxis] / 3
    lines = np.cos(2 * np.pi * down / pitch)
    columns = np.cos(2 * np.pi * (across / pitch - stripe))
    return np.asarray(shown * (1 + depth * (lines + columns) / 2))


def _moire(shown: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """The low frequencies at which two grids of nearly the same pitch beat, one each for the colours."""
    height, width = shown.shape[:2]
    down, across = np.mgrid[0:height, 0:width]
    angle, period = rng.uniform(0, np.pi), rng.uniform(5, 18)
    waves = []
    for channel in range(3):
        turned = angle + rng.normal(0, 0.04)
        along = across * np.cos(turned) + down * np.sin(turned)
        bend = 3 * np.sin(2 * np.pi * down / height + channel)
        waves.append(np.cos(2 * np.pi * (along + bend) / (period * (1 + 0.03 * channel))))
    return np.asarray(shown * (1 + rng.uniform(0.05, 0.16) * np.stack(waves, axis=2)))


def _glare(shown: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A window's reflection: a bright oblique stripe, and a veil over all."""
    height, width = shown.shape[:2]
    down, across = np.mgrid[0:height, 0:width]
    angle = rng.uniform(0, np.pi)
    along = (across / width - 0.5) * np.cos(angle) + (down / height - 0.5) * np.sin(angle)
    stripe = np.exp(-(((along - rng.uniform(-0.5, 0.5)) / rng.uniform(0.05, 0.2)) ** 2))
    return np.asarray(shown + (rng.uniform(15, 80) * stripe + rng.uniform(0, 15))[..., np.newaxis])
