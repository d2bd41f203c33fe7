"""Whose picture a file is: by its name, by a line of a manifest, or as the client says."""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from indexer.errors import InvalidRequest
from indexer.imports.reading import places
from indexer.pipeline import people_folder
from indexer.records.imports.files import NewFile
from indexer.records.text import checked_id, checked_metadata, checked_text

MAX_NAME = 500
"""Characters of a file's name, with its folders; of a longer one the end is kept."""

NOTHING = hashlib.sha256(b"").digest()
"""Stands for the digest of a file that is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    external_id: str
    name: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    place: Sequence[float] | None = None
    """Of the face in the picture, as `ImportFile.place`."""

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> "Person":
        """Raises InvalidRequest."""
        external_id, name = values.get("external_id"), values.get("name")
        metadata = values.get("metadata") or {}
        if not isinstance(external_id, str) or not (name is None or isinstance(name, str)):
            raise InvalidRequest("external_id and name must be strings", field="external_id")
        if not isinstance(metadata, dict):
            raise InvalidRequest("metadata must be an object", field="metadata")
        identifier = checked_id(external_id.strip(), "external_id")
        assert identifier is not None
        return cls(
            external_id=identifier,
            name=checked_text(name or None, "name"),
            metadata=checked_metadata(metadata),
            place=places.parse(values),
        )


def file_of(
    name: str, data: bytes, person: Person | None, *, by_file: bool = False, max_bytes: int | None = None
) -> NewFile:
    """The file to enrol, or to skip. `person`: None where its name says whose picture it is."""
    if person is None:
        found = person_by_name(name, by_file=by_file)
        if isinstance(found, NewFile):
            return found
        person = found
    if max_bytes is not None and len(data) > max_bytes:
        return too_large(name, len(data), max_bytes)
    return NewFile(
        name=shown(name),
        sha256=hashlib.sha256(data).digest(),
        size=len(data),
        data=data,
        external_id=person.external_id,
        person_name=person.name,
        metadata=dict(person.metadata),
        place=person.place,
    )


def person_by_name(name: str, *, by_file: bool) -> Person | NewFile:
    """Of a folder or file that is named after a person; the skipped file if it is no picture of one."""
    place = people_folder.place(name, by_file=by_file)
    if isinstance(place, tuple):
        return skipped(name, *place)
    try:
        return Person.checked({"external_id": place, "name": place.replace("_", " ")})
    except InvalidRequest as error:
        return skipped(name, error.code, f"rename the person: {error.message}")


def skipped(name: str, code: str, message: str, *, size: int = 0) -> NewFile:
    return NewFile(name=shown(name), sha256=NOTHING, size=size, data=None, code=code, message=message)


def too_large(name: str, size: int, limit: int) -> NewFile:
    message = f"the file has at least {size} bytes, the limit is {limit} (GEMEL_MAX_UPLOAD_MB)"
    return skipped(name, "upload_too_large", message, size=size)


def shown(name: str) -> str:
    """As it is stored: composed (NFC), without characters that PostgreSQL or a terminal would not take."""
    clean = "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in _DIRECTIONS else c
        for c in unicodedata.normalize("NFC", name)
    )
    if len(clean) > MAX_NAME:
        clean = "…" + clean[1 - MAX_NAME :]
    return clean or "\ufffd"


_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def common_folder(names: list[str]) -> str:
    """The folder, with `/`, that holds the people's folders where an archive has one more around them; else
    an empty text."""
    pictures = [
        name.split("/") for name in names if not isinstance(people_folder.place(name, by_file=True), tuple)
    ]
    first = {parts[0] for parts in pictures}
    if len(first) != 1 or any(len(parts) < 3 for parts in pictures):
        return ""
    return f"{first.pop()}/"
