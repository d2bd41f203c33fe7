"""Which faces of a photograph may be matched at all: a gallery's policy beside its threshold.

A threshold is worked out on photographs as they are usually taken. Of faces that are very small or very
blurred the embeddings say little of the person (docs/explanation/evaluation.md has the figures): such a face
still has its candidates, none of which is `matched`.
"""

from dataclasses import dataclass
from enum import StrEnum

from indexer.records.tables import Gallery
from indexer.types import Quality


class UnmatchedReason(StrEnum):
    """Why no candidate of a face is matched, whatever its score."""

    FACE_TOO_SMALL = "face_too_small"
    FACE_BLURRED = "face_blurred"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchLimits:
    """Measured figures below these are matched to nobody; 0: no limit."""

    min_face_px: float
    """Of the shorter side of the face's box."""
    min_sharpness: float
    """As `vision.quality` measures it."""

    def of(self, gallery: Gallery) -> "MatchLimits":
        """The gallery's own where it has any; else these, which are the settings'."""
        own_px, own_sharpness = gallery.min_match_face_px, gallery.min_match_sharpness
        return MatchLimits(
            min_face_px=self.min_face_px if own_px is None else own_px,
            min_sharpness=self.min_sharpness if own_sharpness is None else own_sharpness,
        )

    def reason_against(self, quality: Quality) -> UnmatchedReason | None:
        if quality.face_px < self.min_face_px:
            return UnmatchedReason.FACE_TOO_SMALL
        if quality.sharpness_ratio < self.min_sharpness:
            return UnmatchedReason.FACE_BLURRED
        return None
