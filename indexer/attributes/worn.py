"""What a person before the camera should take off, by the estimates of a face."""

from indexer.attributes.estimate import Estimates
from indexer.attributes.heads.glasses import SUNGLASSES
from indexer.attributes.heads.mask import MASK
from indexer.types import Attribute
from indexer.vision.advice import Advice

FROM = (Attribute.MASK, Attribute.GLASSES)

_TAKE_OFF = (
    (Attribute.MASK, MASK, Advice.TAKE_OFF_MASK),
    (Attribute.GLASSES, SUNGLASSES, Advice.TAKE_OFF_SUNGLASSES),
)


def worn(estimates: Estimates) -> tuple[Advice, ...]:
    """Empty where no estimate says that something is worn. `estimates`: with `FROM`, as far as they were
    made."""
    return tuple(
        advice
        for attribute, value, advice in _TAKE_OFF
        if attribute in estimates and estimates[attribute].value == value
    )
