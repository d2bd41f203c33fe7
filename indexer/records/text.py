"""Checks of text before it goes into PostgreSQL: brings it into one form, rejects what must not be stored.

Writers and look-ups use the same checks, so that a text is found in the form in which it was stored.
"""

import json
import unicodedata
from typing import Any

from indexer.errors import InvalidRequest

MAX_TEXT = 255
MAX_METADATA_BYTES = 16_384
MAX_METADATA_DEPTH = 100
"""Nested objects and lists. PostgreSQL stores more, but a JSON encoder fails on them."""


_BIDI_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates (UAX #9, 2.1 to 2.5): with them one text looks like another."""
_BIDI_MARKS = frozenset("\u200e\u200f\u061c")
"""Invisible direction marks. Hebrew and Arabic names may need them; ids do not."""
_SEPARATORS = frozenset("\u2028\u2029")
"""Unicode's line and paragraph separators."""


def checked_id(value: str | None, field: str) -> str | None:
    """Like `checked_text`, but rejects invisible direction marks too. Raises InvalidRequest."""
    value = checked_text(value, field)
    if value is not None and not _BIDI_MARKS.isdisjoint(value):
        raise InvalidRequest(f"{field} contains an invisible direction mark", field=field)
    return value


def checked_text(value: str | None, field: str) -> str | None:
    """`value` in Unicode's composed form (NFC), if it has 1 to 255 printable characters.

    macOS decomposes the names of folders (NFD), a keyboard types composed characters: both are the same name.
    Control characters, line ends and bidirectional overrides are rejected: they move a terminal's cursor,
    forge lines of a log, or make one name look like another. Raises InvalidRequest.
    """
    if value is None:
        return None
    if len(value) <= 3 * MAX_TEXT:  # a decomposed text is up to three times as long
        value = unicodedata.normalize("NFC", value)
    if not 1 <= len(value) <= MAX_TEXT:
        raise InvalidRequest(
            f"{field} must have 1 to {MAX_TEXT} characters, not {len(value)}",
            field=field,
            measured=len(value),
            limit=MAX_TEXT,
        )
    if not _storable(value):
        raise InvalidRequest(f"{field} contains NUL or an unpaired surrogate", field=field)
    if any(unicodedata.category(c) == "Cc" or c in _BIDI_OVERRIDES or c in _SEPARATORS for c in value):
        raise InvalidRequest(
            f"{field} contains a control character, a line end, or a character that changes the direction of"
            " writing",
            field=field,
        )
    return value


def checked_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """`value`, if it is JSON of at most 16,384 bytes without NUL. Raises InvalidRequest."""
    if _depth(value) > MAX_METADATA_DEPTH:
        raise InvalidRequest(
            f"metadata is nested more than {MAX_METADATA_DEPTH} deep",
            field="metadata",
            limit=MAX_METADATA_DEPTH,
        )
    try:
        encoded = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest(f"metadata is not JSON: {error}", field="metadata") from error
    # json.dumps writes a NUL as \u0000; a backslash of the text is doubled.
    if not _storable(encoded) or "\\u0000" in encoded.replace("\\\\", ""):
        raise InvalidRequest("metadata contains NUL or an unpaired surrogate", field="metadata")
    size = len(encoded.encode())
    if size > MAX_METADATA_BYTES:
        raise InvalidRequest(
            f"metadata takes {size} bytes of JSON, more than the limit of {MAX_METADATA_BYTES}",
            field="metadata",
            measured=size,
            limit=MAX_METADATA_BYTES,
        )
    return value


def _depth(value: object) -> int:
    """The depth of nested objects and lists; stops counting just beyond the limit."""
    depth, level = 0, [value]
    while level and depth <= MAX_METADATA_DEPTH:
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        depth += 1
    return depth


def _storable(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
