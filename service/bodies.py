"""Request bodies that come as multipart files or as JSON with base64, read into one model either way."""

import base64
import binascii
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from indexer.errors import InvalidRequest, UnsupportedContentType

MAX_FIELDS = 1000
_TAIL_BYTES = 400  # a boundary has 70 at most; blanks and line ends may follow it

Body = TypeVar("Body", bound="UploadBody")


def _image_bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.startswith("data:"):
        _, _, value = value.partition(",")
    try:
        return base64.b64decode("".join(value.split()), validate=True)  # some tools wrap lines
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"neither a file (image=@face.jpg with curl) nor base64: {error}") from error


def _parsed_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error


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
JsonObject = Annotated[dict[str, Any], BeforeValidator(_parsed_json)]


class UploadBody(BaseModel):
    """A body that may come either way. Fields it does not know are refused by name."""

    model_config = ConfigDict(extra="forbid")


def body_of(model: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """A dependency that reads the request's body into `model`."""
    repeated = {name for name, field in model.model_fields.items() if _is_list(field.annotation)}

    async def read(request: Request) -> Body:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
            fields = await _form_fields(request, repeated)
        elif kind == "application/json":
            fields = await run_in_threadpool(_json_fields, await request.body())
        else:
            raise UnsupportedContentType(
                f"send multipart/form-data or application/json, not {kind or 'a body without Content-Type'}"
            )
        try:
            return await run_in_threadpool(model.model_validate, fields)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False, include_input=False)) from error

    return read


def openapi_body(model: type[UploadBody], example: dict[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes `model` either way."""
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
    """With its definitions in the places that refer to them: a document has none beside a body."""
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


async def _form_fields(request: Request, repeated: set[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    try:
        form = await _parsed(request)
    except (MultiPartException, LookupError, ValueError) as error:  # the latter two: of the charset
        raise InvalidRequest(f"the form is malformed: {error}") from error
    async with _closing(form):
        for name, value in form.multi_items():
            read = await value.read() if isinstance(value, UploadFile) else value
            if name in repeated:
                fields.setdefault(name, []).append(read)
            elif name in fields:
                raise InvalidRequest(f"{name} was sent more than once", field=name)
            else:
                fields[name] = read
    return fields


@contextlib.asynccontextmanager
async def _closing(form: FormData) -> AsyncIterator[None]:
    """Frees the temporary files of large parts."""
    try:
        yield
    finally:
        await form.close()


async def _parsed(request: Request) -> FormData:
    """The form, if it is whole: Starlette takes one that breaks off for one that ends there."""
    kind, parameters = parse_options_header(request.headers["content-type"])
    if kind != b"multipart/form-data":
        return await request.form(max_fields=MAX_FIELDS)
    end = b"--" + parameters.get(b"boundary", b"") + b"--"
    tail = b""

    async def watched() -> AsyncGenerator[bytes, None]:
        nonlocal tail
        async for chunk in request.stream():
            tail = (tail + chunk[-_TAIL_BYTES:])[-_TAIL_BYTES:]
            yield chunk

    parser = MultiPartParser(request.headers, watched(), max_files=MAX_FIELDS, max_fields=MAX_FIELDS)
    form = await parser.parse()
    if end not in tail:
        await form.close()
        raise InvalidRequest("the form broke off before its last boundary")
    return form


def _json_fields(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from error


def _is_list(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is list
