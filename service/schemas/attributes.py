"""Attributes that a request asks for."""

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

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


class AttributeNetwork(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str = Field(
        description="As `gemel models list` names it; of a head of your own, the name of its card",
        examples=["expression"],
    )
    licence: str = Field(
        description="SPDX identifier; of a head of your own, what its card says", examples=["Apache-2.0"]
    )
    publisher: str | None = Field(
        description="Who published it; null for a head of your own", examples=["OpenCV Zoo"]
    )
    page: str | None = Field(description="Address of the publisher's description")
    sha256: list[str] = Field(description="SHA-256 of each of its files, verified when it is opened")
    trained_on: str | None = Field(
        description="Of a head of your own (`GEMEL_EXPRESSION_HEAD`), the name of the folder of its data"
    )
    base: str | None = Field(description="Of a head of your own, the network whose features it takes in")
    accuracy: float | None = Field(
        description="Of a head of your own, the accuracy on people whom it was not trained on, by its card"
    )
    accuracy_interval: tuple[float, float] | None = Field(description="95 %, by person")


class AttributeStatus(BaseModel):
    name: Attribute = Field(description="As a request names it", examples=["liveness"])
    permitted: bool = Field(description="Whether the installation permits it (`GEMEL_ATTRIBUTES`)")
    available: bool = Field(
        description="Whether its weights are on this machine: `gemel models list` says how to get them"
    )
    sensitive: bool = Field(
        description="Whether it is off unless an operator permits it, because laws restrict it"
    )
    networks: list[AttributeNetwork] = Field(
        description="The networks that estimate it; empty where rules do, or where this version has no head"
    )


class AttributeList(BaseModel):
    attributes: list[AttributeStatus] = Field(description="All attributes")
