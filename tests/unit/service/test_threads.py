"""Routes whose functions run in threads."""

import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import anyio
import anyio.to_thread
import pytest
from fastapi import Depends, FastAPI, Response
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from service import error_handlers
from service.requests.bodies import UploadBody, body_of
from service.requests.threads import ThreadRoute


class Answer(BaseModel):
    id: UUID = Field(default=UUID(int=7), description="A description")
    names: list[str | None] = ["Ä", None]
    scores: tuple[float, float] = (0.25, 1e-9)
    at: datetime = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


class Longer(Answer):
    more: int = 1


class Name(UploadBody):
    name: str


def answer() -> Answer:
    """Its docstring."""
    return Answer()


def subclass() -> Answer:
    return Longer()


def chosen(response: Response) -> Answer:
    response.status_code = 202
    return Answer()


def ready(number: int = 3) -> Response:
    return Response(str(number), status_code=203, media_type="text/plain")


def application(route_class: type[APIRoute]) -> FastAPI:
    app = FastAPI()
    app.router.route_class = route_class
    for function in (answer, subclass, chosen, ready):
        options: dict[str, Any] = {"response_class": Response} if function is ready else {}
        app.post(f"/{function.__name__}", status_code=201, **options)(function)
    return app


@pytest.mark.parametrize("function", [answer, subclass, chosen, ready])
def test_an_answer_is_the_same_as_that_of_fastapis_own_route(function: Callable[..., Any]) -> None:
    own, theirs = (
        TestClient(application(kind)).post(f"/{function.__name__}") for kind in (ThreadRoute, APIRoute)
    )

    assert own.status_code == theirs.status_code
    assert own.headers == theirs.headers
    assert own.content == theirs.content


def test_the_document_is_the_same_as_that_of_fastapis_own_routes() -> None:
    assert application(ThreadRoute).openapi() == application(APIRoute).openapi()


def test_a_body_is_parsed_while_all_threads_work() -> None:
    begun, ended = threading.Event(), threading.Event()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        app.state.parsers = anyio.CapacityLimiter(1)
        yield

    app = FastAPI(lifespan=lifespan)
    app.router.route_class = ThreadRoute
    error_handlers.install(app)

    @app.post("/work")
    def work() -> Answer:
        begun.set()
        assert ended.wait(60)
        return Answer()

    @app.post("/upload")
    def upload(body: Annotated[Name, Depends(body_of(Name))]) -> Answer:
        return Answer(names=[body.name])

    with TestClient(app) as client, ThreadPoolExecutor() as pool:
        working = pool.submit(client.post, "/work")
        assert begun.wait(60)
        try:
            rejected = client.post("/upload", json={"name": 5})
        finally:
            ended.set()
        taken = client.post("/upload", json={"name": "Grace"})

    assert rejected.status_code == 422
    assert working.result().status_code == 200
    assert taken.json()["names"] == ["Grace"]
