"""Health, readiness, models."""

from pydantic import BaseModel, Field

from service.schemas import MODEL_EXAMPLE


class Model(BaseModel):
    name: str = Field(description="By which it is named in settings and requests", examples=["sface"])
    fingerprint: str = Field(
        description="Of weights, alignment and scaling: embeddings of two fingerprints cannot be compared",
        examples=[MODEL_EXAMPLE],
    )
    dimension: int = Field(description="Numbers in an embedding", examples=[128])
    template: str = Field(examples=["arcface-112-v1"], description="The alignment it wants")
    mirror: bool = Field(description="Whether the mirror image is embedded too and the mean taken")
    licence: str = Field(description="Of its weights", examples=["Apache-2.0"])
    source: str = Field(description="Where its weights come from", examples=["OpenCV Zoo"])
    active: bool = Field(description="Whether this service embeds with it")


class ModelList(BaseModel):
    models: list[Model] = Field(description="Published ones, and the one in use")


class Health(BaseModel):
    status: str = Field(description="Always `ok`: the process answers", examples=["ok"])


class Readiness(BaseModel):
    status: str = Field(description="Always `ready`; what is not ready answers 503", examples=["ready"])
    model: str = Field(
        description="Fingerprint of the model that new galleries get", examples=[MODEL_EXAMPLE]
    )
    galleries: int = Field(description="That there are", examples=[3])
    faces: int = Field(description="That are enrolled in them", examples=[120])
    indexes_open: int = Field(
        description="Indexes that this process has in memory; those of small galleries are opened by a first"
        " search",
        examples=[1],
    )
    following: str = Field(
        description="`ok`, or why the indexes are not kept up to date in the background; a search still"
        " brings its own index up to date first",
        examples=["ok"],
    )
