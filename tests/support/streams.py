"""A client of a stream that sends and reads in turns, in the service's own event loop."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from anyio.abc import TaskGroup
from fastapi.testclient import TestClient
from starlette.types import Message


class Conversation:
    """One request. Answers are taken one message at a time: without `read` the server waits."""

    def __init__(self, send: Any, answers: Any, tasks: TaskGroup) -> None:
        self._send = send
        self._answers = answers
        self._tasks = tasks

    async def send(self, data: bytes, *, more: bool = True) -> None:
        await self._send.send({"type": "http.request", "body": data, "more_body": more})

    async def send_now(self, data: bytes) -> bool:
        """Whether the server reads it, or a few messages before it, within a second."""
        with anyio.move_on_after(1.0):
            await self.send(data)
            return True
        return False

    async def disconnect(self) -> None:
        await self._send.send({"type": "http.disconnect"})

    async def read(self) -> bytes:
        """The next part of the answer's body; empty at its end."""
        with anyio.fail_after(60):
            while True:
                message = await self._answers.receive()
                if message["type"] == "http.response.body" and (
                    message["body"] or not message.get("more_body")
                ):
                    body: bytes = message["body"]
                    return body


def converse(
    client: TestClient,
    path: str,
    headers: dict[str, str],
    talk: Callable[[Conversation], Awaitable[None]],
) -> None:
    """`talk` has the conversation; at its end, the request is abandoned if it is not answered."""
    fields = {"content-type": "application/x-ndjson", "host": "testserver", **headers}

    app: Any = client.app

    async def run() -> None:
        body, receive = anyio.create_memory_object_stream[Message](0)
        send, answers = anyio.create_memory_object_stream[Message](2)  # how the answer begins
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("testserver", 80),
            "state": dict(client.app_state),
        }
        async with body, receive, send, answers, anyio.create_task_group() as tasks:
            tasks.start_soon(app, scope, receive.receive, send.send)
            await talk(Conversation(body, answers, tasks))
            tasks.cancel_scope.cancel()

    assert client.portal is not None
    client.portal.call(run)
