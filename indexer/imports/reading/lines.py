"""NDJSON: a line for each picture, with the person and the picture in base64."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from indexer.errors import InvalidRequest
from indexer.imports.reading.people import Person, file_of, skipped
from indexer.records.imports.files import NewFile

MAX_LINES = 100_000
_NOBODY = "nobody"
"""Stands for the external id of a person whom nobody has named; `receive` drops it."""
_FIELDS = {"file", "external_id", "name", "metadata", "image", "box", "landmarks"}


def files_of_lines(body: bytes, *, max_bytes: int, unlabelled: bool = False) -> Iterator[NewFile]:
    """A line that cannot be used is a skipped file. `unlabelled`: lines name nobody.

    Raises InvalidRequest for a body of too many lines.
    """
    if body.count(b"\n") > MAX_LINES:
        raise InvalidRequest(f"the body has more than {MAX_LINES} lines; send several requests")
    for line in body.splitlines():
        if line.strip():
            yield _file(line, max_bytes, unlabelled)


def _file(line: bytes, max_bytes: int, unlabelled: bool) -> NewFile:
    unnamed = f"line {hashlib.sha256(line).hexdigest()[:12]}"
    try:
        values: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        return skipped(unnamed, "invalid_request", f"the line is not JSON: {error}")
    if not isinstance(values, dict):
        return skipped(unnamed, "invalid_request", "the line is not a JSON object")
    name = values.get("file") or values.get("external_id") or unnamed
    if not isinstance(name, str):
        name = unnamed
    if unknown := sorted(values.keys() - _FIELDS):
        return skipped(name, "invalid_request", f"the line has an unknown field {unknown[0][:50]!r}")
    try:
        person = Person(external_id=_NOBODY) if unlabelled else Person.checked(values)
        data = _picture(values.get("image"))
    except InvalidRequest as error:
        return skipped(name, error.code, error.message)
    return file_of(name, data, person, max_bytes=max_bytes)


def _picture(value: object) -> bytes:
    """Raises InvalidRequest."""
    if not isinstance(value, str):
        raise InvalidRequest("image must be a picture in base64", field="image")
    encoded = value.partition(",")[2] if value.startswith("data:") else value
    try:
        plain = encoded.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(f"image is not base64: {error}", field="image") from None
