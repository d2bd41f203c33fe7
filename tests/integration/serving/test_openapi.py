"""The OpenAPI document, as programs and people read it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from indexer.settings import Settings
from service import openapi
from service.app import create_app
from service.errors import STATUS


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    document: dict[str, Any] = create_app(Settings(_env_file=None)).openapi()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, told in item.items():
            yield f"{method} {path}", told


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, told in operations(document):
        for content in told.get("requestBody", {}).get("content", {}).values():
            yield name, content["schema"]


def test_every_operation_has_a_short_id(document: dict[str, Any]) -> None:
    ids = [told["operationId"] for _, told in operations(document)]

    assert len(ids) == len(set(ids)) > 30
    assert {"identify", "enrol", "verify", "list_identities"} <= set(ids)
    for id in ids:
        assert re.fullmatch(r"[a-z_]{5,32}", id), id


def test_every_field_and_every_parameter_is_described(document: dict[str, Any]) -> None:
    schemas = [*document["components"]["schemas"].items(), *bodies(document)]
    fields = [(name, field, told) for name, s in schemas for field, told in s.get("properties", {}).items()]
    parameters = [
        (name, parameter["name"], parameter)
        for name, told in operations(document)
        for parameter in told.get("parameters", [])
    ]

    assert len(fields) > 200
    assert len(parameters) > 40
    assert [(n, f) for n, f, told in (*fields, *parameters) if not told.get("description")] == []


def test_every_answer_has_an_example_that_fits(document: dict[str, Any]) -> None:
    examples = 0
    for name, told in operations(document):
        for status, response in told["responses"].items():
            for kind, content in response.get("content", {}).items():
                if kind.endswith("json"):
                    examples += 1
                    schema = content["schema"] | {"components": document["components"]}
                    assert "example" in content, (name, status)
                    assert jsonschema_rs.is_valid(schema, content["example"]), (name, status, content)
    assert examples > 150


def test_every_error_code_is_in_the_enum(document: dict[str, Any]) -> None:
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]

    assert {error.code for error in STATUS} < set(codes)
    assert codes == sorted(set(codes))


def test_the_document_is_encoded_once_for_all_who_ask() -> None:
    app = create_app(Settings(_env_file=None))

    first = openapi.encoded(app, "")
    assert openapi.encoded(app, "") is first
    assert json.loads(first) == app.openapi()
    assert json.loads(openapi.encoded(app, "/faces"))["servers"] == [{"url": "/faces"}]
    assert "servers" not in app.openapi()
