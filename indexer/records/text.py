"""What PostgreSQL cannot store is refused here, before it is tried: one border for every writer."""

import json
from typing import Any

from indexer.errors import InvalidRequest

MAX_TEXT = 255
MAX_METADATA_BYTES = 16_384


def checked_text(value: str | None, field: str) -> str | None:
    """`value`, if it has 1 to 255 characters that are all storable. Raises InvalidRequest."""
    if value is None:
        return None
    if not 1 <= len(value) <= MAX_TEXT:
        raise InvalidRequest(
            f"{field} must have 1 to {MAX_TEXT} characters, not {len(value)}",
            field=field,
            measured=len(value),
            limit=MAX_TEXT,
        )
    if not _storable(value):
        raise InvalidRequest(f"{field} contains a NUL or half a surrogate pair", field=field)
    return value


def checked_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """`value`, if it is JSON of at most 16,384 bytes without NULs. Raises InvalidRequest."""
    try:
        encoded = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest(f"metadata is not JSON: {error}", field="metadata") from error
    # json.dumps writes a NUL as \u0000; a backslash that was in the text is doubled.
    if not _storable(encoded) or "\\u0000" in encoded.replace("\\\\", ""):
        raise InvalidRequest("metadata contains a NUL or half a surrogate pair", field="metadata")
    size = len(encoded.encode())
    if size > MAX_METADATA_BYTES:
        raise InvalidRequest(
            f"metadata takes {size} bytes of JSON, more than the limit of {MAX_METADATA_BYTES}",
            field="metadata",
            measured=size,
            limit=MAX_METADATA_BYTES,
        )
    return value


def _storable(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
