"""Attributes that a request asks for."""

from typing import Annotated

from pydantic import Field

from indexer.types import Attribute

Wanted = Annotated[
    list[Attribute],
    Field(
        max_length=len(Attribute),
        description="Attributes to estimate of each face, such as `liveness`; those that the installation"
        " (`GEMEL_ATTRIBUTES`) and the gallery permit. They take time only where they are asked for",
        examples=[["pose", "quality"]],
    ),
]
