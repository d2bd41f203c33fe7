"""The place of a face that a request gives: a box, or five landmarks."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, Field

from indexer.errors import InvalidRequest
from indexer.types import Box
from indexer.vision.place import FacePlace
from service.requests.bodies import parse_json

_FARTHEST_PX = 1e6
_Pixels = Annotated[float, Field(ge=-_FARTHEST_PX, le=_FARTHEST_PX, allow_inf_nan=False)]
_Point = Annotated[list[_Pixels], Field(min_length=2, max_length=2, description="[x, y]")]


class GivenBox(BaseModel):
    model_config = {"extra": "forbid"}

    x: _Pixels = Field(description="The left side", examples=[178.0])
    y: _Pixels = Field(description="The upper side", examples=[63.6])
    width: _Pixels = Field(gt=0, examples=[90.5])
    height: _Pixels = Field(gt=0, examples=[111.9])


class GivenLandmarks(BaseModel):
    """As answers give them: left and right as they are seen with the face upright."""

    model_config = {"extra": "forbid"}

    left_eye: _Point
    right_eye: _Point
    nose: _Point
    mouth_left: _Point
    mouth_right: _Point


def _json_or_text(value: Any) -> Any:
    if isinstance(value, str) and value.strip()[:1] in ("{", "[", "n"):
        try:
            return parse_json(value.encode())
        except InvalidRequest as error:
            raise ValueError("this is not JSON") from error
    return value


def _parsed_box(value: Any) -> Any:
    """A form's text: JSON, or the four numbers of a box."""
    value = _json_or_text(value)
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list):
        if len(value) != 4:
            raise ValueError("a box is x, y, width and height")
        return dict(zip(("x", "y", "width", "height"), value, strict=True))
    return value


def _parsed_landmarks(value: Any) -> Any:
    """A form's text: JSON."""
    expected = "landmarks are a JSON object with left_eye, right_eye, nose, mouth_left and mouth_right"
    try:
        value = _json_or_text(value)
    except ValueError as error:
        raise ValueError(expected) from error
    if isinstance(value, str | list):
        raise ValueError(expected)
    return value


_BOX = (
    "Where the face is, in pixels of the upright picture, from whatever source: `{x, y, width, height}`, or"
    " `x,y,width,height` in a form. It is found there although the detector misses it in the whole picture;"
    " other faces are ignored"
)
_LANDMARKS = "The five landmarks of the face, instead of a box. The face is aligned by them as they are"

OneBox = Annotated[GivenBox | None, BeforeValidator(_parsed_box), Field(description=_BOX)]
OneLandmarks = Annotated[
    GivenLandmarks | None, BeforeValidator(_parsed_landmarks), Field(description=_LANDMARKS)
]
Boxes = Annotated[
    list[Annotated[GivenBox | None, BeforeValidator(_parsed_box)]],
    Field(description=f"One for each of the images, or null. {_BOX}"),
]
AllLandmarks = Annotated[
    list[Annotated[GivenLandmarks | None, BeforeValidator(_parsed_landmarks)]],
    Field(description=f"One for each of the images, or null. {_LANDMARKS}"),
]


def place_of(box: GivenBox | None, landmarks: GivenLandmarks | None, field: str = "box") -> FacePlace | None:
    """Raises InvalidRequest where both are given."""
    if box is not None and landmarks is not None:
        raise InvalidRequest("give a box or landmarks, not both", field=field)
    if box is not None:
        return FacePlace(box=Box(**box.model_dump()))
    if landmarks is not None:
        return FacePlace(landmarks=np.array(list(landmarks.model_dump().values()), np.float32))
    return None


def places_of(
    images: Sequence[bytes],
    boxes: Sequence[GivenBox | None],
    landmarks: Sequence[GivenLandmarks | None],
) -> Mapping[int, FacePlace]:
    """By the number of the image, from 0. Raises InvalidRequest."""
    for field, given in (("boxes", boxes), ("landmarks", landmarks)):
        if given and len(given) != len(images):
            raise InvalidRequest(
                f"{field} has {len(given)} entries for {len(images)} images; write null for an image without",
                field=field,
                measured=len(given),
                limit=len(images),
            )
    every_box, every_landmarks = boxes or [None] * len(images), landmarks or [None] * len(images)
    found = [place_of(*both, field="boxes") for both in zip(every_box, every_landmarks, strict=True)]
    return {number: place for number, place in enumerate(found) if place is not None}
