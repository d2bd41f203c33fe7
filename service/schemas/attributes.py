"""Attributes that a request asks for."""

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from indexer.errors import InvalidRequest
from indexer.types import Attribute
from service.requests.lists import separated

_DESCRIPTION = (
    "Attributes to estimate of each face, such as `liveness`; those that the installation"
    " (`GEMEL_ATTRIBUTES`) and the gallery permit. They take time only where a request names them. An"
    " estimate from a picture is not a fact about a person. `liveness` knows prints and screens; it detects"
    " neither masks nor injected videos nor good replays"
)


def _once(values: list[Attribute]) -> list[Attribute]:
    return list(dict.fromkeys(values))


RequestedAttributes = Annotated[
    list[Attribute],
    BeforeValidator(separated),
    AfterValidator(_once),
    Field(
        max_length=2 * len(Attribute),
        description=f"{_DESCRIPTION}. In a form: repeated, or separated by commas",
        examples=[["pose", "quality"]],
    ),
]
QueryAttributes = Annotated[
    str | None,
    Query(
        description="As in `identify`, for each picture; separated by commas",
        max_length=200,
        examples=["pose,quality"],
    ),
]


def query_attributes(value: str | None) -> list[Attribute]:
    """Raises InvalidRequest."""
    names = [name.strip() for name in (value or "").split(",") if name.strip()]
    for name in names:
        if name not in list(Attribute):
            raise InvalidRequest(
                f"there is no attribute {name!r}; there are {', '.join(Attribute)}", field="attributes"
            )
    return _once(list(map(Attribute, names)))


class AttributeStatus(BaseModel):
    name: Attribute = Field(description="As a request names it", examples=["liveness"])
    permitted: bool = Field(description="Whether the installation permits it (`GEMEL_ATTRIBUTES`)")
    available: bool = Field(
        description="Whether its weights are on this machine: `gemel models list` says how to get them"
    )
    sensitive: bool = Field(
        description="Whether it is off unless an operator permits it, because laws restrict it"
    )


class AttributeList(BaseModel):
    attributes: list[AttributeStatus] = Field(description="All attributes")
