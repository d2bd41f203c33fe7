"""Prints: halftone, photographic paper, and a sheet that fills the photograph."""

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Image
from indexer.vision.attacks.place import photographed, placed, to_bytes

_SCREEN_DEGREES = (15.0, 75.0, 45.0)
"""Of the dots of cyan, magenta and yellow, so that they do not lie on each other."""


def halftone_print(image: Image, rng: np.random.Generator) -> Image:
    """Dots of three inks on paper with a white border, held before a lens."""
    dots = _halftone(image, rng.uniform(2.5, 4.0))
    paper = _bordered(_on_paper(dots, rng), rng.uniform(0.05, 0.15))
    return photographed(placed(paper, rng.uniform(0.6, 0.85), 0.06, rng), rng)


def photo_print(image: Image, rng: np.random.Generator) -> Image:
    """A photograph on glossy paper with a narrow border, held before a lens."""
    paper = _on_paper(image.astype(np.float32), rng)
    bordered = _bordered(_shine(paper, rng), rng.uniform(0.02, 0.06))
    return photographed(placed(bordered, rng.uniform(0.6, 0.85), 0.06, rng), rng)


def sheet(image: Image, rng: np.random.Generator) -> Image:
    """A print so near to the lens that its border is outside of the picture."""
    paper = _on_paper(_halftone(image, rng.uniform(1.8, 3.0)), rng)
    height, width = paper.shape[:2]
    bent = _bent(to_bytes(paper), rng)
    return photographed(bent[2 : height - 2, 2 : width - 2], rng)


def _halftone(image: Image, period_px: float) -> NDArray[np.float32]:
    height, width = image.shape[:2]
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    inks = []
    for channel, degrees in enumerate(_SCREEN_DEGREES):
        angle = np.deg2rad(degrees)
        along = (across * np.cos(angle) + down * np.sin(angle)) * (2 * np.pi / period_px)
        over = (down * np.cos(angle) - across * np.sin(angle)) * (2 * np.pi / period_px)
        cell = (np.cos(along) + np.cos(over)) / 4 + 0.5
        tone = image[..., channel].astype(np.float32) / 255
        inks.append(255 / (1 + np.exp(-12 * (tone - cell))))  # ink where the cell exceeds the tone
    dots = np.stack(inks, axis=2).astype(np.float32)
    return np.asarray(0.55 * dots + 0.45 * image, np.float32)  # ink spreads on paper


def _on_paper(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Inks reach neither black nor white, and have a colour cast."""
    black, white = rng.uniform(25, 55), rng.uniform(200, 235)
    cast = 1 + rng.uniform(-0.06, 0.06, 3)
    grey = image.mean(axis=2, keepdims=True)
    pale = grey + (image - grey) * rng.uniform(0.65, 0.9)
    return np.asarray((black + pale * ((white - black) / 255)) * cast, np.float32)


def _bordered(paper: NDArray[np.float32], share: float) -> Image:
    border = round(share * min(paper.shape[:2]))
    white = (float(paper.max()),) * 3
    bordered = cv2.copyMakeBorder(
        paper, border, border, border, border, cv2.BORDER_CONSTANT, value=(*white, 0.0)
    )
    return to_bytes(bordered)


def _shine(paper: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A lamp's reflection on glossy paper: wide and soft."""
    height, width = paper.shape[:2]
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    distance = ((across - x) / (0.35 * width)) ** 2 + ((down - y) / (0.25 * height)) ** 2
    return np.asarray(paper + (rng.uniform(20, 90) * np.exp(-distance))[..., np.newaxis], np.float32)


def _bent(paper: Image, rng: np.random.Generator) -> Image:
    """Paper that is not flat: rows are shifted by a slow wave, and shaded."""
    height, width = paper.shape[:2]
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    phase, waves = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.5)
    wave = np.sin(phase + waves * 2 * np.pi * across / width)
    moved = cv2.remap(
        paper,
        across,
        down + (0.012 * height * wave).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return to_bytes(moved * (1 + 0.12 * np.cos(phase + waves * 2 * np.pi * across / width))[..., np.newaxis])
