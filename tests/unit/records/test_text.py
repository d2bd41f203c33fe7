"""Text that must not be stored is rejected; all other text is stored in composed form."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InvalidRequest
from indexer.records.text import checked_id, checked_metadata, checked_text

storable = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
printable = st.text(
    st.characters(exclude_characters=OVERRIDES, exclude_categories=["Cs", "Cc", "Zl", "Zp"]),
    min_size=1,
    max_size=40,
)


@given(value=printable)
def test_any_printable_text_is_kept_in_its_composed_form(value: str) -> None:
    assert checked_text(value, "name") == unicodedata.normalize("NFC", value)


@given(value=printable)
def test_composed_and_decomposed_text_is_one_text(value: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, value) for form in ("NFC", "NFD"))

    assert checked_text(decomposed, "name") == checked_text(composed, "name")


def test_the_limit_counts_the_characters_of_the_composed_form() -> None:
    assert checked_text(unicodedata.normalize("NFD", "\u1e69" * 255), "name") == "\u1e69" * 255


@pytest.mark.parametrize("bad", ["\x1b[2J", "\r", "\n", "\t", "\x7f", "\x85", "\u2028", *OVERRIDES])
def test_control_characters_and_bidirectional_overrides_are_rejected(bad: str) -> None:
    for checked in (checked_text, checked_id):
        with pytest.raises(InvalidRequest, match="control character") as caught:
            checked(f"Grace{bad}Hopper", "external_id")
        assert caught.value.details["field"] == "external_id"


@pytest.mark.parametrize("mark", ["\u200e", "\u200f", "\u061c"])
def test_an_invisible_direction_mark_is_rejected_in_an_id_and_kept_in_a_name(mark: str) -> None:
    with pytest.raises(InvalidRequest, match="direction mark"):
        checked_id(f"4711{mark}", "external_id")
    assert checked_text(f"\u05d3\u05d5\u05d3{mark}", "name") == f"\u05d3\u05d5\u05d3{mark}"


@pytest.mark.parametrize(
    "name",
    ["O'Brien", "\u0646\u0627\u0645\u200c\u0647\u0627", "\u5c71\u7530 \u592a\u90ce", "Zo\u00eb \U0001f642"],
)
def test_names_in_any_script_are_accepted(name: str) -> None:
    assert checked_text(name, "name") == name
    assert checked_id(name, "external_id") == name


@pytest.mark.parametrize("value", ["", "x" * 256, "a\0b", "half \ud83d a pair"])
def test_text_that_cannot_be_stored_is_rejected_with_its_field(value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked_text(value, "name")
    assert caught.value.details["field"] == "name"


@given(value=st.dictionaries(storable, st.recursive(storable | st.integers() | st.none(), st.lists)))
def test_any_json_object_is_accepted_unchanged(value: dict[str, Any]) -> None:
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
def test_metadata_that_cannot_be_stored_is_rejected(value: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="metadata"):
        checked_metadata(value)


def test_a_backslash_before_u0000_is_text_and_kept() -> None:
    assert checked_metadata({"path": "C:\\u0000"}) == {"path": "C:\\u0000"}
