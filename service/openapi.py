"""The OpenAPI document: FastAPI's, plus an example of each answer."""

import json
from typing import Any

from fastapi import FastAPI

from indexer.usecases.answers import ID_EXAMPLE
from service.errors import Problem

_PATH_PARAMETERS = {
    "gallery": ("Name of the gallery", "staff"),
    "identity_id": ("`id` of the identity, as Gemel gave it", ID_EXAMPLE),
    "face_id": ("`id` of the face, as Gemel gave it", ID_EXAMPLE),
    "audit_id": ("`audit_id` of the answer: the id of its event in the audit record", ID_EXAMPLE),
    "review_id": ("`id` of the review", ID_EXAMPLE),
    "face": ("Number of the face in the answer, from 0", 0),
    "dispute_id": ("`id` of the dispute", ID_EXAMPLE),
    "change_id": ("`id` of the merge, split or move", ID_EXAMPLE),
    "key_id": ("`id` of the API key", ID_EXAMPLE),
    "sample": ("`id` of the sample", "grace-hopper"),
    "import_id": ("`id` of the import", ID_EXAMPLE),
    "clustering_id": ("`id` of the clustering", ID_EXAMPLE),
    "search_id": ("`id` of the search for duplicates", ID_EXAMPLE),
    "transfer_id": ("`id` of the transfer", ID_EXAMPLE),
    "file_name": ("Name of the file in the manifest", "faces-000001.ndjson"),
    "file_id": ("`id` of the file", 17),
    "job_id": ("`id` of the re-index job", ID_EXAMPLE),
    "event_id": ("`id` of the event, in an answer `audit_id`", ID_EXAMPLE),
}
_BY_FORMAT = {"uuid": ID_EXAMPLE, "date-time": "2026-01-31T09:30:00Z"}
_BY_TYPE: dict[str, Any] = {"string": "", "integer": 1, "number": 0.5, "boolean": True, "null": None}


def document(app: FastAPI) -> dict[str, Any]:
    """Built once and cached by the application."""
    if app.openapi_schema is None:
        _complete(FastAPI.openapi(app))
    assert app.openapi_schema is not None
    return app.openapi_schema


def encoded(app: FastAPI, prefix: str) -> bytes:
    """The document as JSON, with the service's path prefix. Cached: encoding it blocks the event
    loop for milliseconds."""
    kept: dict[str, bytes] = app.state.openapi_json
    if prefix not in kept:
        servers = {"servers": [{"url": prefix}]} if prefix else {}
        kept[prefix] = json.dumps(app.openapi() | servers, ensure_ascii=False).encode()
    return kept[prefix]


def _complete(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    # If it were the `model` of a response, FastAPI would document it under a second media type.
    schemas["Problem"] = Problem.model_json_schema()
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] in _PATH_PARAMETERS:
                    description, example = _PATH_PARAMETERS[parameter["name"]]
                    parameter.setdefault("description", description)
                    parameter.setdefault("example", example)
            for response in operation["responses"].values():
                answer = response.get("content", {}).get("application/json")
                if answer is not None and "example" not in answer:
                    answer["example"] = _example(answer["schema"], schemas)


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value that fits `schema`, composed of the examples of its fields."""
    if "$ref" in schema and not schema.get("examples"):
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], schemas)
    if schema.get("type") == "object" or "properties" in schema:
        return {name: _example(field, schemas) for name, field in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_example(item, schemas) for item in schema.get("prefixItems", [schema.get("items", {})])]
    return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", "")))
