"""Health, readiness, models."""

from pydantic import BaseModel, Field

from service.schemas import MODEL_EXAMPLE


class Model(BaseModel):
    name: str = Field(examples=["sface"])
    fingerprint: str = Field(examples=[MODEL_EXAMPLE])
    dimension: int
    template: str = Field(description="The alignment it wants")
    mirror: bool = Field(description="Whether the mirror image is embedded too and the mean taken")
    licence: str
    source: str
    active: bool = Field(description="Whether this service embeds with it")


class ModelList(BaseModel):
    models: list[Model]


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    status: str = Field(examples=["ready"])
    model: str
    galleries: int
    faces: int
    following: str = Field(
        description="`ok`, or why the indexes are not kept in step with PostgreSQL when nobody asks for them;"
        " searches bring theirs along all the same",
        examples=["ok"],
    )
