"""Which faces of a photograph may be matched at all: a gallery's policy beside its threshold.

A threshold holds for photographs of the usual quality. Of a face that is very small or very blurred the
embedding says little about the person (docs/explanation/quality.md has the figures). Such a face still
has its candidates, but none of them is `matched`.
"""

from dataclasses import dataclass
from enum import StrEnum

from indexer.records.tables import Gallery
from indexer.types import Quality


class UnmatchedReason(StrEnum):
    """Why no candidate of a face is matched, whatever its score."""

    FACE_TOO_SMALL = "face_too_small"
    FACE_BLURRED = "face_blurred"
    FACE_UNRECOGNISABLE = "face_unrecognisable"
    NOT_LIVE = "not_live"
    """By the policy of liveness: it looks like a print or a screen."""
    LIVENESS_UNCLEAR = "liveness_unclear"
    """By the policy of liveness: the head cannot tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchLimits:
    """A face with a measured figure beyond one of these is matched to nobody."""

    min_face_px: float
    """Of the shorter side of the face's box; 0 is no limit."""
    min_sharpness: float
    """As `vision.quality` measures it; 0 is no limit."""
    max_miss_rate: float
    """Of the expected miss rate, which faces have where there is a quality network; 1 is no limit."""

    def for_gallery(self, gallery: Gallery) -> "MatchLimits":
        """The gallery's own limits; where it has none, these, which are the settings'."""
        own_px, own_sharpness = gallery.min_match_face_px, gallery.min_match_sharpness
        own_rate = gallery.max_match_miss_rate
        return MatchLimits(
            min_face_px=self.min_face_px if own_px is None else own_px,
            min_sharpness=self.min_sharpness if own_sharpness is None else own_sharpness,
            max_miss_rate=self.max_miss_rate if own_rate is None else own_rate,
        )

    def reason_against(self, quality: Quality) -> UnmatchedReason | None:
        if quality.face_px < self.min_face_px:
            return UnmatchedReason.FACE_TOO_SMALL
        if quality.sharpness_ratio < self.min_sharpness:
            return UnmatchedReason.FACE_BLURRED
        if quality.expected_miss_rate is not None and quality.expected_miss_rate > self.max_miss_rate:
            return UnmatchedReason.FACE_UNRECOGNISABLE
        return None
