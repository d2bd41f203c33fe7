"""Whatever the OpenAPI document allows, and what it does not: no route answers with a 5xx.

Schemathesis writes the requests, over a real socket to the real service; the same ones each time.
`GEMEL_TEST_EXAMPLES=500` writes more.
"""

import base64
import os
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis import Case, GenerationMode
from schemathesis.openapi import format as of_format
from sqlalchemy import text

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.home import wait_for
from tests.support.pictures import jpeg, pixels

EXAMPLES = int(os.environ.get("GEMEL_TEST_EXAMPLES", "12"))
"""Requests to each route, of those that fit the document, and again of those that do not."""
MEANT = {"index_behind", "index_not_ready", "busy"}
"""Codes of a 503 that the document promises: later it will work."""
schemathesis.serializer.alias("application/x-ndjson", "application/json")
"""A line of JSON is a body of lines."""
KEY = {"X-API-Key": "correct horse battery staple"}
"""Some requests create keys: then every request needs one."""
PICTURES: list[bytes] = []
"""Small ones, of which some requests bring one; filled by `world`."""


def _operations() -> list[tuple[GenerationMode, str, str]]:
    """Of each route those that fit; and those that do not, where there is anything to get wrong."""
    paths = create_app(Settings(_env_file=None)).openapi()["paths"]
    return [
        (mode, method.upper(), path)
        for mode in GenerationMode
        for path, item in paths.items()
        for method, operation in item.items()
        if mode is GenerationMode.POSITIVE or operation.get("parameters") or operation.get("requestBody")
    ]


@pytest.fixture(scope="module")
def base(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the service listens, as it does in earnest."""
    folder = tmp_path_factory.mktemp("home")
    app = create_app(
        Settings(
            database_url=migrated,
            home=folder,
            threads=4,
            models_dir=folder,
            index_patience_s=0.2,
            api_key=SecretStr(KEY["X-API-Key"]),
        )
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        host, port = listening.getsockname()
        with httpx2.Client(base_url=f"http://{host}:{port}") as client:
            while not server.started:
                assert thread.is_alive()
            client.get("/readyz", timeout=120).raise_for_status()
        yield f"http://{host}:{port}"
        server.should_exit = True
        thread.join()
    database = Database(migrated)
    with database.transaction() as session:  # or the other modules' servers would require keys
        session.execute(text("TRUNCATE api_key, api_key_version"))
    database.close()


@pytest.fixture(scope="module")
def schema(base: str) -> Any:
    of_format("byte", st.one_of(_pictures().map(_text), st.sampled_from(["", "AAAA", "/9j/", "%"])))
    of_format("binary", st.one_of(_pictures(), st.binary(max_size=64)))
    return schemathesis.openapi.from_url(f"{base}/openapi.json", headers=KEY)


@pytest.fixture
def world(base: str, hopper: bytes, nobody: bytes) -> Iterator[dict[str, str]]:
    """What path parameters may name: a gallery with a person, a face, a job, a review and a merge."""
    PICTURES[:] = [jpeg(pixels(hopper)[::2, ::2]), jpeg(pixels(nobody)[::4, ::4])]
    name = f"test-{uuid4().hex}"
    with httpx2.Client(base_url=base, timeout=120, headers=KEY) as client:
        post = partial(_posted, client)
        people = f"/v1/galleries/{name}/identities"
        post("/v1/galleries", {"name": name, "duplicate_check": "review"})
        person = post(people, {"name": "Grace", "external_id": "4711", "images": [_text(PICTURES[0])]})
        job = post("/v1/reindexes", {"gallery": name, "to": "dlib-resnet", "force": True})
        post(people, {"images": [_text(PICTURES[0])]})
        [review] = client.get(f"/v1/galleries/{name}/reviews").raise_for_status().json()["reviews"]
        other = post(people, {})["id"]
        key = post("/v1/keys", {"name": "test", "roles": ["read"]})
        yield {
            "key_id": key["id"],
            "review_id": review["id"],
            "change_id": post(f"{people}/{person['id']}/merge", {"other": other})["id"],
            "gallery": name,
            "identity_id": person["id"],
            "face_id": person["faces"][0]["id"],
            "external_id": "4711",
            "job_id": job["id"],
        }
        for gallery in client.get("/v1/galleries").json()["galleries"]:
            client.delete(f"/v1/galleries/{gallery['name']}")


def _posted(client: httpx2.Client, path: str, body: dict[str, Any]) -> Any:
    """The answer, once it is no 503: requests of this server wait a moment only for an index."""
    answers: list[httpx2.Response] = []

    def answered() -> bool:
        answers[:] = [client.post(path, json=body)]
        return answers[0].status_code != 503

    wait_for(answered)
    return answers[0].raise_for_status().json()


def _pictures() -> st.SearchStrategy[bytes]:
    return st.integers(0, 1).map(lambda number: PICTURES[number])


def _text(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


@pytest.mark.parametrize(("mode", "method", "path"), _operations())
def test_no_request_is_answered_with_a_5xx(
    base: str, schema: Any, world: dict[str, str], mode: GenerationMode, method: str, path: str
) -> None:
    """And every answer has a status that the route documents, every error a code that is known."""
    asked: list[int] = []
    operation = schema.raw_schema["paths"][path][method.lower()]
    codes = schema.raw_schema["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=schema[path][method].as_strategy(generation_mode=mode),
        there=st.fixed_dictionaries({name: st.sampled_from([True, True, False]) for name in world}),
    )
    def ask(case: "Case[Any]", there: dict[str, bool]) -> None:
        for name in case.path_parameters or {}:
            if there.get(name):
                case.path_parameters[name] = world[name]
        answer = case.call(base_url=base, timeout=60, headers=KEY)
        asked.append(answer.status_code)
        assert str(answer.status_code) in operation["responses"], (answer.status_code, answer.text)
        if answer.status_code < 400:
            return
        assert answer.headers["content-type"] == ["application/problem+json"], answer.text
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["code"] in codes
        if answer.status_code >= 500:
            assert (answer.status_code, problem["code"] in MEANT) == (503, True), answer.text

    ask()

    assert asked
