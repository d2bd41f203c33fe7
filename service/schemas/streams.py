"""The lines of a streamed identification."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from indexer.usecases.answers.identify import IdentifyAnswer
from indexer.usecases.searches.results import Identification
from service.errors import Problem
from service.requests.bodies import ImageBytes
from service.schemas.filters import Filter
from service.schemas.places import OneBox, OneLandmarks

MAX_ID = 255

LineId = Annotated[
    Annotated[str, Field(max_length=MAX_ID)] | int | None,
    Field(description="Your own id of the picture, which its answer repeats", examples=["a-17"]),
]
_NUMBER = Field(description="Number of the line in the request, from 1", examples=[3])


class IdentifyLine(BaseModel):
    """A line of the request."""

    model_config = {"extra": "forbid"}

    id: LineId = None
    image: ImageBytes
    box: OneBox = None
    landmarks: OneLandmarks = None
    filter: Filter = None
    """In place of the request's."""


class IdentifiedLine(IdentifyAnswer):
    """A line of the answer: a picture was searched for."""

    line: int = _NUMBER
    id: LineId

    @classmethod
    def of_line(cls, identification: Identification, line: int, id: str | int | None) -> "IdentifiedLine":
        return cls.model_construct(line=line, id=id, **dict(IdentifyAnswer.of(identification)))


class FailedLine(Problem):
    """A line of the answer: a picture has failed. Its fields are those of the problem that `identify` would
    answer."""

    line: int = _NUMBER
    id: LineId


class LastLine(BaseModel):
    """The last line of the answer. Without it, the connection broke."""

    done: bool = Field(
        description="Whether all lines of the request are answered. If not, the fields of a problem say why",
        examples=[True],
    )
    lines: int = Field(description="Lines that were answered", examples=[120])
    failed: int = Field(description="Of these, lines that failed", examples=[3])


def openapi_responses() -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": "A line for each line of the request, in the order in which they are done, and a"
            " last one",
            "content": {
                "application/x-ndjson": {
                    "schema": {"type": "string"},
                    "example": '{"line": 2, "id": "b", "faces": [], "...": "..."}\n'
                    '{"line": 1, "id": "a", "status": 422, "code": "unreadable_image", "detail": "..."}\n'
                    '{"done": true, "lines": 2, "failed": 1}\n',
                }
            },
        }
    }


OPENAPI_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {
                    "type": "string",
                    "description": 'For each picture `{"id", "image", "box", "landmarks", "filter"}`: the'
                    " image in base64, the others as in `identify` or left out; a line without a filter has"
                    " that of the request",
                },
                "example": '{"id": "a", "image": "/9j/4AAQSkZJRgABAQ..."}\n'
                '{"id": "b", "image": "/9j/4AAQSkZJRgABAQ..."}\n',
            }
        },
    }
}
