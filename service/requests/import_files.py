"""Reads the body of files for an import: a form, a ZIP archive or NDJSON lines."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import TypeAdapter, ValidationError

from indexer.errors import InvalidRequest, UnsupportedContentType
from indexer.imports.reading import places
from indexer.imports.reading.archive import files_of_upload
from indexer.imports.reading.lines import files_of_lines
from indexer.imports.reading.people import Person, file_of, skipped
from indexer.records.imports.files import NewFile
from service.requests.bodies import parse_json
from service.requests.forms import Part, parse_multipart
from service.schemas.imports import ImportEntry

_ZIP = {"application/zip", "application/x-zip-compressed"}
_LINES = {"application/x-ndjson", "application/ndjson", "application/jsonl"}
_ENTRIES = TypeAdapter(list[ImportEntry])


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBody:
    content_type: str
    data: bytes

    def files(self, *, by_file: bool, max_bytes: int, unlabelled: bool = False) -> Iterator[NewFile]:
        """Raises InvalidRequest, UnsupportedContentType."""
        kind = self.content_type.partition(";")[0].strip().lower()
        if kind in _ZIP:
            return files_of_upload(self.data, by_file=by_file, max_bytes=max_bytes)
        if kind in _LINES:
            return files_of_lines(self.data, max_bytes=max_bytes, unlabelled=unlabelled)
        if kind == "multipart/form-data":
            parts = parse_multipart(self.data, self.content_type)
            return _of_form(parts, by_file=by_file, max_bytes=max_bytes)
        raise UnsupportedContentType(
            "send multipart/form-data, application/zip or application/x-ndjson, not"
            f" {kind or 'a body without Content-Type'}"
        )


async def _raw(request: Request) -> RawBody:
    return RawBody(content_type=request.headers.get("content-type", ""), data=await request.body())


ImportBody = Annotated[RawBody, Depends(_raw)]


def _of_form(parts: list[Part], *, by_file: bool, max_bytes: int) -> Iterator[NewFile]:
    pictures = [part for part in parts if part.name == "files" and not part.blank]
    others = [part for part in parts if part.name != "files"]
    if any(part.name != "entries" for part in others) or len(others) > 1:
        raise InvalidRequest("the form has fields `files`, and one field `entries` at most")
    entries = _entries(others[0].text) if others else None
    if entries is None:
        for part in pictures:
            yield _of_part(part, ImportEntry(file=part.filename or ""), by_file=by_file, max_bytes=max_bytes)
        return
    if len(entries) != len(pictures):
        raise InvalidRequest(f"entries has {len(entries)} entries for {len(pictures)} files", field="entries")
    for entry, part in zip(entries, pictures, strict=True):
        yield _of_part(part, entry, by_file=by_file, max_bytes=max_bytes)


def _of_part(part: Part, entry: ImportEntry, *, by_file: bool, max_bytes: int) -> NewFile:
    try:
        data = part.picture
    except ValueError as error:
        return skipped(entry.file, "invalid_request", f"the picture is not base64: {error}")
    values = entry.model_dump(exclude={"file"})
    try:
        if entry.external_id is None:
            found = file_of(entry.file, data, None, by_file=by_file, max_bytes=max_bytes)
            return replace(found, place=places.parse(values))
        person = Person.checked(values)
    except InvalidRequest as error:
        return skipped(entry.file, error.code, error.message)
    return file_of(entry.file, data, person, max_bytes=max_bytes)


def _entries(text: str) -> list[ImportEntry]:
    try:
        return _ENTRIES.validate_python(parse_json(text.encode(), what="entries"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:100]
        raise InvalidRequest(f"entries: {where}: {first['msg'][:300]}", field="entries") from None


OPENAPI_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "The pictures; each file name has the folder",
                        },
                        "entries": {
                            "type": "string",
                            "description": "JSON: a list with an entry for each file, in their order:"
                            ' `{"file", "external_id", "name", "metadata"}`. Without it, and without an'
                            " external_id, the file's name says whose picture it is",
                        },
                    },
                }
            },
            "application/zip": {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": "An archive with a folder for each person, or with manifest.csv or"
                    " manifest.ndjson (`file`, `external_id`, `name`, and metadata)",
                }
            },
            "application/x-ndjson": {
                "schema": {
                    "type": "string",
                    "description": "A line for each picture:"
                    ' `{"external_id", "name", "metadata", "image", "file"}`, the image in base64',
                }
            },
        },
    }
}
