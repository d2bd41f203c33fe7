"""Boxes and landmarks as the text of a form."""

import pytest
from pydantic import TypeAdapter, ValidationError

from service.schemas.places import OneBox, OneLandmarks


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,4", "[1, 2, 3]", "none"])
def test_a_text_that_is_no_landmarks_is_not_called_a_box(text: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(OneLandmarks).validate_python(text)
    messages = [error["msg"] for error in raised.value.errors()]
    assert len(messages) == 1
    assert "left_eye" in messages[0]
    assert "box" not in messages[0]


def test_a_box_of_three_numbers_is_called_no_box() -> None:
    with pytest.raises(ValidationError, match="a box is x, y, width and height"):
        TypeAdapter(OneBox).validate_python("1,2,3")
