"""Sample portraits."""

from pydantic import BaseModel, Field

from indexer import samples


class Sample(BaseModel):
    """A portrait of one person, in the public domain."""

    id: str = Field(description="Id, for `/v1/samples/{sample}`", examples=["grace-hopper"])
    title: str = Field(description="Name of the person", examples=["Grace Hopper"])
    credit: str = Field(description="Source of the photograph", examples=["United States Navy"])
    licence: str = Field(
        description="Licence, or reason why none is needed",
        examples=["Public domain: a work of the United States government"],
    )
    media_type: str = Field(description="Format of the picture", examples=["image/jpeg"])

    @classmethod
    def of(cls, sample: samples.Sample) -> "Sample":
        return cls(
            id=sample.id,
            title=sample.title,
            credit=sample.credit,
            licence=sample.licence,
            media_type=sample.media_type,
        )


class SampleList(BaseModel):
    samples: list[Sample] = Field(description="Samples on this server")
