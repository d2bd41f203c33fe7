"""A manifest beside pictures: a line for each, with whom it shows. CSV with a header, or NDJSON."""

import csv
import io
import json
import unicodedata
from collections.abc import Mapping

from indexer.errors import InvalidRequest
from indexer.imports.reading.people import Person, file_of, person_by_name, skipped
from indexer.records.imports.files import NewFile

NAMES = ("manifest.csv", "manifest.ndjson", "manifest.jsonl")
MAX_BYTES = 64_000_000
_MAX_LINE = 1_000_000


class Manifest:
    """People by the names of their files; without a manifest, the names say it themselves."""

    def __init__(self, people: Mapping[str, Person | str] | None = None, *, by_file: bool = False) -> None:
        """`people`: a text says what is wrong with the line."""
        self._people = people
        self._by_file = by_file
        self._seen: set[str] = set()

    @classmethod
    def parse(cls, name: str, data: bytes) -> "Manifest":
        """Raises InvalidRequest."""
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"{name} is not UTF-8: {error}") from None
        return cls(_csv(text) if name.endswith(".csv") else _lines(name, text))

    def file(self, name: str, data: bytes, *, max_bytes: int) -> NewFile:
        found = self.person(name)
        if isinstance(found, NewFile):
            return found
        return file_of(name, data, found, max_bytes=max_bytes)

    def person(self, name: str) -> Person | NewFile:
        """Or the skipped file."""
        if self._people is None:
            return person_by_name(name, by_file=self._by_file)
        key = unicodedata.normalize("NFC", name)
        person = self._people.get(key)
        self._seen.add(key)
        if person is None:
            return skipped(name, "not_in_manifest", "the manifest does not name this file")
        if isinstance(person, str):
            return skipped(name, "invalid_request", f"the line in the manifest is invalid: {person}")
        return person

    def missing(self) -> list[NewFile]:
        """Files that the manifest names, and for which `person` was not called."""
        return [
            skipped(name, "file_missing", "the manifest names this file, but it is missing")
            for name in self._people or ()
            if name not in self._seen
        ]


def _csv(text: str) -> dict[str, Person | str]:
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = set(rows.fieldnames or ())
        if not {"file", "external_id"} <= columns:
            raise InvalidRequest("manifest.csv needs the columns `file` and `external_id`")
        people: dict[str, Person | str] = {}
        for row in rows:
            more = {
                key: value
                for key, value in row.items()
                if key is not None and key not in ("file", "external_id", "name", "box") and value
            }
            _add(people, row.get("file"), {**row, "metadata": more})
    except csv.Error as error:
        raise InvalidRequest(f"manifest.csv cannot be read: {error}") from None
    return people


def _lines(name: str, text: str) -> dict[str, Person | str]:
    people: dict[str, Person | str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line[:_MAX_LINE])
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"line {number} of {name} is not JSON: {error}") from None
        if not isinstance(values, dict):
            raise InvalidRequest(f"line {number} of {name} is not an object")
        _add(people, values.get("file"), values)
    return people


def _add(people: dict[str, Person | str], file: object, values: Mapping[str, object]) -> None:
    if not isinstance(file, str) or not file:
        raise InvalidRequest("each line of a manifest names a `file`")
    key = unicodedata.normalize("NFC", file.replace("\\", "/").removeprefix("./"))
    try:
        people[key] = Person.checked(values)
    except InvalidRequest as error:
        people[key] = error.message
