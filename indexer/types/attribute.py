"""What a request can ask of a face beside who it is."""

from collections.abc import Mapping
from enum import StrEnum


class Attribute(StrEnum):
    LIVENESS = "liveness"
    """Whether a person was before the lens, not a print or a screen."""
    EXPRESSION = "expression"
    AGE = "age"
    GENDER = "gender"
    MASK = "mask"
    GLASSES = "glasses"
    POSE = "pose"
    """Where the head is turned."""
    EYES = "eyes"
    """Whether they are open."""
    OCCLUSION = "occlusion"
    """Which parts of the face are covered."""
    QUALITY = "quality"
    """What to do for a better picture."""


_MADE_OF: Mapping[Attribute, tuple[Attribute, ...]] = {
    Attribute.OCCLUSION: (Attribute.MASK, Attribute.GLASSES),
    Attribute.GENDER: (Attribute.AGE,),
}


def needed_for(attribute: Attribute) -> tuple[Attribute, ...]:
    """The attribute itself, and those from whose estimates it is made. It is permitted if all of them are."""
    return (attribute, *_MADE_OF.get(attribute, ()))


SENSITIVE = frozenset({Attribute.EXPRESSION, Attribute.AGE, Attribute.GENDER})
"""Off unless an operator permits them: see docs/explanation/attributes.md."""
