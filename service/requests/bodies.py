"""Reads request bodies, as forms or as JSON with base64, into the same model.

A body is parsed and validated only after its number of elements was checked: a parser makes an object of
each of a million elements, and a validator reports each wrong one. A small form is parsed in the event loop,
any other body in a thread.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin

import anyio.to_thread
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema

from indexer.errors import InvalidRequest, UnsupportedContentType, UploadTooLarge
from service.errors import MAX_PROBLEMS
from service.requests.base64_bytes import decoded
from service.requests.forms import Part, parse_multipart, parse_urlencoded
from service.requests.threads import ThreadRoute

MAX_ELEMENTS = 10_000
"""Limit for the commas, colons and brackets of JSON, each. An embedding has up to 4,096 numbers."""
MAX_JSON_BYTES = 2_000_000
"""Limit for bodies without a picture, and for JSON in a form's field."""

_QUICK_BYTES = 1_000_000
_QUICK_PARTS = 8
"""A form within both limits is parsed in the event loop. One photograph of this size takes 0.4 ms of
processor time, the worst form that was found 10 ms: JSON in a field, of as many numbers as are allowed."""

MAX_DIGITS = 500
"""Limit for an integer: parsing takes time with the square of its length."""
_LONG_NUMBER = re.compile(rb"[\[:,\s]-?\d{%d}" % (MAX_DIGITS + 1))

Body = TypeVar("Body", bound="UploadBody")


def _image_bytes(value: Any) -> Any:
    try:
        if isinstance(value, Part):
            return value.picture
        return decoded(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"neither a file (image=@face.jpg with curl) nor base64: {error}") from error


def _parsed_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value.encode(), what="it")
    except InvalidRequest as error:
        raise ValueError(error.message) from error


ImageBytes = Annotated[
    bytes,
    BeforeValidator(_image_bytes),
    WithJsonSchema(
        {
            "type": "string",
            "format": "byte",
            "description": "JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF or PPM: a file (multipart) or base64"
            " (JSON)",
        }
    ),
]
ClipBytes = Annotated[
    bytes,
    BeforeValidator(_image_bytes),
    WithJsonSchema(
        {
            "type": "string",
            "format": "byte",
            "description": "MP4 with H.264, or WebM with VP8 or VP9: a file (multipart) or base64 (JSON)",
        }
    ),
]
JsonObject = Annotated[dict[str, Any], BeforeValidator(_parsed_json)]


class UploadBody(BaseModel):
    """A body that may be a form or JSON. Unknown fields are rejected by name."""

    model_config = ConfigDict(extra="forbid")

    kept_blank: ClassVar[frozenset[str]] = frozenset()
    """Fields that count even where a form has left them blank."""


def body_of(model: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """A dependency that reads the request's body into `model`."""
    lists = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}
    pictures = {name for name, field in model.model_fields.items() if _is_picture(field.annotation)}

    def parse(content_type: str, body: bytes) -> Body:
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            fields = _fields(parse_multipart(body, content_type), lists, pictures, model.kept_blank)
        elif kind == "application/x-www-form-urlencoded":
            fields = _fields(parse_urlencoded(body), lists, pictures, model.kept_blank)
        elif kind == "application/json":
            fields = parse_json(body)
        else:
            raise UnsupportedContentType(
                f"send multipart/form-data or application/json, not {kind or 'a body without Content-Type'}"
            )
        try:
            return model.model_validate(fields)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False, include_context=False)
            raise RequestValidationError(problems[:MAX_PROBLEMS]) from None

    async def read(request: Request) -> Body:
        content_type = request.headers.get("content-type", "")
        body = await request.body()
        if _is_quick(content_type, body):
            return parse(content_type, body)
        return await anyio.to_thread.run_sync(parse, content_type, body, limiter=request.app.state.parsers)

    return read


class JsonRoute(ThreadRoute):
    """A route whose body, if any, is JSON without pictures. FastAPI reads it."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        handler = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            if self.body_field is not None:
                body = await request.body()
                if len(body) > MAX_JSON_BYTES:
                    raise UploadTooLarge(
                        f"the request's body has {len(body)} bytes, the limit without pictures is"
                        f" {MAX_JSON_BYTES}",
                        measured=len(body),
                        limit=MAX_JSON_BYTES,
                    )
                _check_elements(body)
                if _LONG_NUMBER.search(body):
                    raise _long_number()
            answer: Response = await handler(request)
            return answer

        return bounded


def parse_json(body: bytes, *, what: str = "the body") -> Any:
    """`what`: for the message of the error. Raises InvalidRequest."""
    _check_elements(body)
    try:
        return json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{what} is not JSON: {error}") from error


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _long_number()
    return int(digits)


def _long_number() -> InvalidRequest:
    return InvalidRequest(f"a number in the JSON has more than {MAX_DIGITS} digits", limit=MAX_DIGITS)


def _check_elements(body: bytes) -> None:
    """Raises InvalidRequest. Base64 has none of these characters; those within strings count too."""
    for signs in (b",", b":", b"[", b"{"):
        if body.count(signs) > MAX_ELEMENTS:
            raise InvalidRequest(f"the JSON has more than {MAX_ELEMENTS} elements", limit=MAX_ELEMENTS)


def openapi_body(model: type[UploadBody], example: dict[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that accepts `model` as a form and as JSON."""
    schema = _whole(model.model_json_schema())
    as_form = json.loads(json.dumps(schema).replace('"format": "byte"', '"format": "binary"'))
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": as_form},
                "application/json": {"schema": schema, "example": example},
            },
        }
    }


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its definitions inlined: OpenAPI has no place for them beside a body."""
    definitions = schema.pop("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        name = str(node.get("$ref", "")).removeprefix("#/$defs/")
        own = {key: resolved(value) for key, value in node.items() if key != "$ref"}
        return resolved(definitions[name]) | own if "$ref" in node else own

    whole: dict[str, Any] = resolved(schema)
    return whole


def _fields(
    parts: Iterable[Part], lists: set[str], pictures: set[str], kept_blank: frozenset[str]
) -> dict[str, Any]:
    """Blank fields count as absent, but for those of `kept_blank`: a form has no other way to omit one."""
    fields: dict[str, Any] = {}
    for part in parts:
        if part.blank and part.name not in kept_blank:
            continue
        value = part if part.name in pictures else part.text
        if part.name in lists:
            fields.setdefault(part.name, []).append(value)
        elif part.name in fields:
            raise InvalidRequest(f"{part.name[:100]} was sent more than once", field=part.name[:100])
        else:
            fields[part.name] = value
    return fields


def _is_quick(content_type: str, body: bytes) -> bool:
    """Whether parsing takes less time than a thread costs. All other bodies can take seconds."""
    is_form = content_type[:20].lower().startswith("multipart/form-data")
    return is_form and len(body) <= _QUICK_BYTES and body.count(b"\r\n--") <= _QUICK_PARTS


def _is_picture(annotation: Any) -> bool:
    return annotation is bytes or any(_is_picture(inner) for inner in get_args(annotation))
