"""The values that a head with categories can give. A label that is none of them would be wrong everywhere."""

from collections.abc import Sequence

from indexer.attributes.heads.age_gender import GENDERS
from indexer.attributes.heads.eyes.head import CLOSED, OPEN
from indexer.attributes.heads.glasses import VALUES as GLASSES
from indexer.attributes.heads.mask import MASK, NONE
from indexer.attributes.heads.occlusion import EYES, MOUTH, NOSE
from indexer.attributes.heads.pose import WORDS
from indexer.errors import InvalidRequest
from indexer.evaluation.attributes.category import NOTHING, Labelled
from indexer.types import Attribute

VALUES: dict[Attribute, tuple[str, ...]] = {
    Attribute.EYES: (OPEN, CLOSED),
    Attribute.GENDER: GENDERS,
    Attribute.GLASSES: GLASSES,
    Attribute.MASK: (MASK, NONE),
    Attribute.OCCLUSION: (NOTHING, EYES, f"{MOUTH}+{NOSE}", f"{EYES}+{MOUTH}+{NOSE}"),
    Attribute.POSE: WORDS,
}
"""As `category` writes them: several are joined by `+`."""
OTHERS = {
    Attribute.AGE: "`gemel evaluate age` measures it",
    Attribute.EXPRESSION: "`gemel evaluate expression` measures it",
    Attribute.LIVENESS: "`gemel evaluate liveness` measures it",
    Attribute.QUALITY: "no command measures it by labels",
}
"""Attributes that this measurement is not for, and what is."""


def check_attribute(attribute: Attribute) -> None:
    """Raises InvalidRequest for an attribute that is measured otherwise."""
    if other := OTHERS.get(attribute):
        raise InvalidRequest(
            f"{attribute} is not compared with labels here: {other}", attribute=attribute.value
        )


def check_labels(attribute: Attribute, pictures: Sequence[Labelled]) -> None:
    """Raises InvalidRequest if a picture has a label that `attribute` never has as its value."""
    known = VALUES[attribute]
    unknown = sorted({picture.label for picture in pictures} - set(known))
    if unknown:
        raise InvalidRequest(
            f"{attribute} never has the value {', '.join(unknown)}; its values are {', '.join(known)}",
            attribute=attribute.value,
            unknown=unknown,
            known=list(known),
        )
