"""Attributes of a face in an answer."""

from typing import Annotated

from pydantic import BaseModel, Field

from indexer.attributes import estimate
from indexer.attributes.estimate import CannotTell, Estimates


class QualityComponent(BaseModel):
    value: float = Field(description="Native value, as ISO/IEC 29794-5 measures it", examples=[64.2])
    quality: float = Field(description="By the standard's formula, 0 to 100", examples=[43])


_EXAMPLE = {"expression": {"value": "happiness", "confidence": 0.97, "scores": {"happiness": 0.97}}}


class AttributeEstimate(BaseModel):
    """An estimate from a picture, not a fact about a person."""

    value: str | float | list[str] | None = Field(
        description="A category, a number or a list of categories; null where the head cannot tell",
        examples=["happiness"],
    )
    confidence: float | None = Field(
        description="0 to 1: the share of such values that were right where the head was measured;"
        " null where there is no value, and for `pose` and `quality`",
        examples=[0.97],
    )
    cannot_tell: CannotTell | None = Field(
        default=None, description="Why there is no value; null where there is one"
    )
    unit: str | None = Field(default=None, description="Of a number", examples=["years"])
    interval: list[float] | None = Field(
        default=None, description="Of a number: lower and upper bound of 95 % of the true values"
    )
    scores: dict[str, float] = Field(
        default_factory=dict, description="What the value was made from; also where there is none"
    )
    components: dict[str, QualityComponent] = Field(
        default_factory=dict,
        description="Of `quality`: components by the names of ISO/IEC 29794-5, such as `InterEyeDistance`."
        " Not all of the standard's, and from a smaller region of the face; empty for other attributes",
        examples=[{}],
    )

    @classmethod
    def of(cls, value: estimate.Estimate) -> "AttributeEstimate":
        return cls(
            value=list(value.value) if isinstance(value.value, tuple) else value.value,
            confidence=None if value.confidence is None else round(value.confidence, 4),
            cannot_tell=value.cannot_tell,
            unit=value.unit,
            interval=None if value.interval is None else [round(bound, 1) for bound in value.interval],
            scores={name: round(score, 4) for name, score in value.scores.items()},
            components={
                name: QualityComponent(value=round(one.value, 4), quality=one.quality)
                for name, one in value.components.items()
            },
        )


Attributes = Annotated[
    dict[str, AttributeEstimate],
    Field(
        default_factory=dict,
        description="Those in the request's `attributes`, by name; empty otherwise, and of faces beyond"
        " `GEMEL_MAX_FACES`",
        examples=[_EXAMPLE],
    ),
]


def answered(estimates: Estimates) -> dict[str, AttributeEstimate]:
    return {name: AttributeEstimate.of(value) for name, value in estimates.items()}
