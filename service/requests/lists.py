"""Lists of words in a body: a form repeats the field, or separates the words by commas."""

from typing import Any

MAX_WORDS = 100


def separated(value: Any) -> Any:
    """For a validator: `["a,b", "c"]` is `["a", "b", "c"]`; anything but text stays as it is."""
    if not isinstance(value, list) or len(value) > MAX_WORDS:
        return value
    words: list[Any] = []
    for item in value:
        words += [item] if not isinstance(item, str) else [word.strip() for word in item.split(",")]
    return words
