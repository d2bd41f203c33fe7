"""What PostgreSQL cannot store is refused, and everything else is let through."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InvalidRequest
from indexer.records.text import checked_metadata, checked_text

storable = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@given(value=storable.filter(bool))
def test_any_storable_text_is_kept_as_it_is(value: str) -> None:
    assert checked_text(value, "name") == value


@pytest.mark.parametrize("value", ["", "x" * 256, "a\0b", "half \ud83d a pair"])
def test_text_that_cannot_be_stored_is_refused_by_field(value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked_text(value, "name")
    assert caught.value.details["field"] == "name"


@given(value=st.dictionaries(storable, st.recursive(storable | st.integers() | st.none(), st.lists)))
def test_any_json_object_is_kept_as_it_is(value: dict[str, Any]) -> None:
    assert checked_metadata(value) == value


def deep() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(100_000):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"a": "\0"},
        {"\0": 1},
        {"a": ["\ud800"]},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": "x" * 20_000},
        deep(),
    ],
    ids=["NUL", "NUL in a name", "surrogate", "NaN", "infinity", "too large", "too deep"],
)
def test_metadata_that_cannot_be_stored_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="metadata"):
        checked_metadata(value)


def test_a_backslash_before_u0000_is_text_and_kept() -> None:
    assert checked_metadata({"path": "C:\\u0000"}) == {"path": "C:\\u0000"}
