"""What a head says about one face."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class CannotTell(StrEnum):
    """Why a head gives no value."""

    TOO_SMALL = "too_small"
    TOO_BLURRED = "too_blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    COVERED = "covered"
    CUT_OFF = "cut_off"
    """The face lies at the picture's edge, and the head needs what is around it."""
    TOO_YOUNG = "too_young"
    NO_COLOUR = "no_colour"
    """A grey picture, and the head was trained on coloured ones."""
    UNDECIDED = "undecided"
    """Two values are about as likely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Of the quality of a face, by ISO/IEC 29794-5."""

    value: float
    """Native, as the standard measures it."""
    quality: float
    """0 to 100."""


Value = str | float | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Either a value, or why there is none. Not a fact about a person: an estimate from a picture."""

    value: Value | None
    """A category, a number in `unit`, or several categories (none of them: an empty tuple)."""
    confidence: float | None
    """0 to 1: as often as such values were right where the head was measured; None without a value, or where
    that was not measured."""
    cannot_tell: CannotTell | None = None
    unit: str | None = None
    """Of a number: `years`, `degrees`."""
    interval: tuple[float, float] | None = None
    """Of a number: 95 % of the true values were in it where the head was measured."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """What the value was made from, by name; also where there is none."""
    components: Mapping[str, Component] = field(default_factory=dict)
    """Of `quality`: by the names of ISO/IEC 29794-5."""

    @classmethod
    def nothing(cls, why: CannotTell, scores: Mapping[str, float] | None = None) -> "Estimate":
        return cls(value=None, confidence=None, cannot_tell=why, scores=scores or {})


Estimates = Mapping[str, Estimate]
"""Of one face, by the attribute's name."""
NO_ESTIMATES: Estimates = MappingProxyType({})
