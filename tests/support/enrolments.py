"""Enrolments that no photograph is needed for."""

from collections.abc import Mapping

import numpy as np

from indexer.types import Box, Enrolment, Face, Quality, Vectors

QUALITY = Quality(score=90, size=90, sharpness=90, exposure=90, pose=90, face_px=100.0, sharpness_ratio=0.1)


def enrolment(number: int, vectors: Mapping[str, Vectors]) -> Enrolment:
    """`number`: the photograph's digest, so that equal numbers are one photograph. `vectors`: by model."""
    return Enrolment(
        face=Face(
            box=Box(x=1, y=2, width=3, height=4), landmarks=np.zeros((5, 2), np.float32), confidence=0.9
        ),
        quality=QUALITY,
        vectors=dict(vectors),
        image_sha256=number.to_bytes(32, "big"),
        crop=None,
    )
