"""Which photographs may enter a gallery: one bad face would answer for its person for years."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from indexer.errors import InvalidInput
from indexer.pipeline.pipeline import AlignedFace, Pipeline
from indexer.pipeline.stopwatch import Stopwatch
from indexer.types import Crop
from indexer.vision.align import crop_with_margin


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityGate:
    """Measured figures below these are refused."""

    min_face_px: float
    min_sharpness: float
    min_quality: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Admitted:
    """A photograph whose face may be enrolled."""

    image_sha256: bytes
    seen: AlignedFace
    crop: Crop | None
    """Cut out at once, so that the whole photograph need not be kept."""
    also: tuple[AlignedFace, ...]
    """As the other pipelines want it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A photograph that was turned away, and why."""

    code: str
    message: str
    details: dict[str, Any]
    """Among them `measured` and `limit`, where the reason is a figure."""


def admit(
    data: bytes,
    pipeline: Pipeline,
    limits: QualityGate,
    watch: Stopwatch,
    *,
    take_largest: bool = False,
    store_crop: bool = True,
    also: Sequence[Pipeline] = (),
) -> Admitted | Rejection:
    """`take_largest`: of several faces the largest, rather than a refusal. `also`: who want it besides."""
    try:
        photograph = pipeline.detect(data, watch, max_faces=1)
    except InvalidInput as error:
        return Rejection(code=error.code, message=error.message, details=error.details)
    if not photograph.faces:
        return Rejection(code="no_face_found", message="no face was found", details={})
    if photograph.found > 1 and not take_largest:
        return Rejection(
            code="several_faces",
            message=f"{photograph.found} faces were found; ask for the largest, or send one alone",
            details={"measured": photograph.found, "limit": 1},
        )
    [seen] = photograph.faces
    return _too_poor(seen, limits) or Admitted(
        image_sha256=hashlib.sha256(data).digest(),
        seen=seen,
        crop=crop_with_margin(photograph.pixels, seen.decoded.landmarks) if store_crop else None,
        also=tuple(other.align(photograph.pixels, seen.decoded) for other in also),
    )


def _too_poor(seen: AlignedFace, limits: QualityGate) -> Rejection | None:
    quality = seen.quality
    for code, what, measured, limit in (
        ("face_too_small", "the face is too small: pixels", quality.face_px, limits.min_face_px),
        ("face_blurred", "the face is too blurred: sharpness", quality.sharpness_ratio, limits.min_sharpness),
        ("quality_too_low", "the quality is too low: score", quality.score, limits.min_quality),
    ):
        if measured < limit:
            return Rejection(
                code=code,
                message=f"{what} {measured:.3g}, at least {limit:g} is required",
                details={"measured": round(measured, 4), "limit": limit},
            )
    return None
