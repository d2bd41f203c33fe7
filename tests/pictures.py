"""Makes and finds the pictures that tests send."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

SHARED = Path(os.environ.get("GEMEL_TEST_DATA", Path(__file__).parents[2] / "shared"))
"""Data that is not in the repository; tests that want it are skipped, by name, where it is not."""


def pixels(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))


def jpeg(image: NDArray[np.uint8], quality: int = 92) -> bytes:
    return encoded(PIL.Image.fromarray(image), "JPEG", quality=quality)


def encoded(image: PIL.Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def shared(name: str) -> Path:
    """A file or folder of the data outside the repository; skips the test where it is not there."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not there: it is not part of the repository")
    return path
