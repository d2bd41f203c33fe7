"""Makes and finds the pictures that tests send."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

SHARED = Path(os.environ.get("GEMEL_TEST_DATA", Path(__file__).parents[3] / "shared"))
"""Data that is not in the repository; tests that want it are skipped, by name, where it is not."""


_NAMES = ("Grace", "Eileen")
_TINTS = ((1.0, 1.0, 1.0), (1.0, 0.7, 0.7), (0.7, 1.0, 0.7), (0.7, 0.7, 1.0))
_LIGHTS = (1.0, 0.8, 0.65)


def pixels(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))


def jpeg(image: NDArray[np.uint8], quality: int = 92) -> bytes:
    return encoded(PIL.Image.fromarray(image), "JPEG", quality=quality)


def encoded(image: PIL.Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def tinted_people(folder: Path, *portraits: bytes) -> Path:
    """Makes `folder` a data set: a person is a tint of a portrait, a photograph of them a brightness of it.

    Four people with three photographs each for every portrait, and one person with a single photograph.
    """
    for name, portrait in zip(_NAMES, portraits, strict=True):
        small = np.asarray(PIL.Image.fromarray(pixels(portrait)).resize((160, 180)), np.float64)
        for number, tint in enumerate(_TINTS):
            home = folder / f"{name}_{number}"
            home.mkdir()
            for photograph, light in enumerate(_LIGHTS):
                tinted = np.clip(small * np.array(tint) * light, 0, 255).astype(np.uint8)
                (home / f"{photograph}.jpg").write_bytes(jpeg(tinted))
    (folder / "Once").mkdir()
    (folder / "Once" / "only.jpg").write_bytes(jpeg(small[:, ::-1].astype(np.uint8)))
    return folder


def shared(name: str) -> Path:
    """A file or folder of the data outside the repository; skips the test where it is not there."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not there: it is not part of the repository")
    return path
