"""What a person before the camera should do, by the estimates of a face."""

from indexer.attributes.estimate import Estimates
from indexer.attributes.heads.eyes.head import CLOSED
from indexer.attributes.heads.glasses import SUNGLASSES
from indexer.attributes.heads.mask import MASK
from indexer.types import Attribute
from indexer.vision.advice import Advice

FROM = (Attribute.MASK, Attribute.GLASSES, Attribute.EYES)

_ADVICE = (
    (Attribute.MASK, MASK, Advice.TAKE_OFF_MASK),
    (Attribute.GLASSES, SUNGLASSES, Advice.TAKE_OFF_SUNGLASSES),
    (Attribute.EYES, CLOSED, Advice.OPEN_EYES),
)


def advised(estimates: Estimates) -> tuple[Advice, ...]:
    """Empty where no estimate says that something hides the face or its eyes. `estimates`: with `FROM`, as
    far as they were made."""
    return tuple(
        advice
        for attribute, value, advice in _ADVICE
        if attribute in estimates and estimates[attribute].value == value
    )
