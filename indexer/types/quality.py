"""The quality of a face."""

from dataclasses import dataclass

RECOGNISABILITY = "recognisability"
"""Its name among the stored figures of a face's quality."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How suitable a face is for recognition. Scores are 0 to 100."""

    score: float
    """The lowest of the components. It says what is wrong with a picture rather than how often such a face is
    missed."""
    size: float
    sharpness: float
    exposure: float
    pose: float
    face_px: float
    """Measured: the shorter side of the box, in pixels."""
    sharpness_ratio: float
    """Measured: the sharpness of the aligned crop, as defined in `vision.quality`."""
    brightness: float | None = None
    """Measured: the mean grey value of the aligned crop, 0 to 255; None where it was not."""
    recognisability: float | None = None
    """0 to 1, by the quality network; None where there is none."""
    expected_miss_rate: float | None = None
    """Share of faces of this recognisability that a search misses (`vision.miss_rate`); None likewise."""

    def components(self) -> dict[str, float]:
        return {
            "size": self.size,
            "sharpness": self.sharpness,
            "exposure": self.exposure,
            "pose": self.pose,
        }

    def stored(self) -> dict[str, float]:
        """What is recorded of an enrolled face beside its score: the components, and the recognisability if
        there is one."""
        if self.recognisability is None:
            return self.components()
        return self.components() | {RECOGNISABILITY: self.recognisability}
