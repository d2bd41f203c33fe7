"""Answers the lines of a stream, several at once, each as soon as it is there."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.abc import TaskGroup
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from indexer.errors import GemelError, Stopping
from service.errors import problem_fields
from service.stopping import Stop
from service.streaming.lines import Disconnected, Line, LineReader, Memory

MEDIA_TYPE = "application/x-ndjson"
_STOP_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    body: bytes
    """JSON on one line, without its end."""
    failed: bool


Work = Callable[[Line], Awaitable[Answer]]
"""Raises GemelError where the whole stream ends, for example because the key was revoked."""


class StreamedAnswers(Response):
    """An answer that begins before the request's body has arrived, and has a line for each of its lines.

    Lines are answered in the order in which they are done. At most `at_once` are worked on, and no further
    ones are read meanwhile, so that a client that reads slowly is read from slowly. The last line says
    whether all were answered: `{"done": true, "lines": 3, "failed": 0}`.
    """

    media_type = MEDIA_TYPE

    def __init__(self, work: Work, memory: Memory, *, at_once: int, max_line_bytes: int) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store"
        self.headers["x-accel-buffering"] = "no"  # or nginx collects the answers
        self._work = work
        self._memory = memory
        self._at_once = at_once
        self._max_line_bytes = max_line_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        stream = _Stream(self._work, self._memory, send, at_once=self._at_once)
        reader = LineReader(receive, self._memory, max_bytes=self._max_line_bytes, wait=stream.wait_for_one)
        try:
            last = await stream.run(reader, scope["state"].get("stop"))
        except Disconnected:
            return
        finally:
            reader.close()
        body = json.dumps(last).encode() + b"\n"
        await send({"type": "http.response.body", "body": body, "more_body": False})


class _Stream:
    def __init__(self, work: Work, memory: Memory, send: Send, *, at_once: int) -> None:
        self._work = work
        self._memory = memory
        self._send = send
        self._at_once = at_once
        self._sending = anyio.Lock()
        self._running = 0
        self._one_ended = anyio.Event()
        self._lines = self._failed = 0
        self._problem: GemelError | None = None

    async def run(self, reader: LineReader, stop: Stop | None) -> Mapping[str, Any]:
        """The last line. Raises Disconnected: what was begun is cancelled."""
        try:
            async with anyio.create_task_group() as tasks:
                with anyio.CancelScope() as reading:
                    tasks.start_soon(self._end_with, stop, reading)
                    await self._read(reader, tasks, reading)
                while self._running:
                    await self.wait_for_one()
                tasks.cancel_scope.cancel()  # the watch for a stop
        except BaseExceptionGroup as group:
            raise _first(group) from None
        counted = {"lines": self._lines, "failed": self._failed}
        if self._problem is None:
            return {"done": True} | counted
        return {"done": False} | counted | problem_fields(self._problem)

    async def _read(self, reader: LineReader, tasks: TaskGroup, reading: anyio.CancelScope) -> None:
        try:
            async for line in reader.lines():
                self._running += 1
                tasks.start_soon(self._answer, line, reading)
                while self._running >= self._at_once:
                    await self.wait_for_one()
                if self._problem is not None:
                    break
        except GemelError as error:
            self._problem = self._problem or error

    async def wait_for_one(self) -> bool:
        if not self._running:
            return False
        await self._one_ended.wait()
        return True

    async def _answer(self, line: Line, reading: anyio.CancelScope) -> None:
        try:
            if line.problem is None:
                answer = await self._work(line)
            else:
                answer = failure(line.number, None, line.problem)
            self._lines += 1
            self._failed += answer.failed
            body = answer.body + b"\n"
            async with self._sending:
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except GemelError as error:
            self._problem = self._problem or error
            reading.cancel()
        finally:
            self._memory.free(len(line.data))
            self._running -= 1
            ended, self._one_ended = self._one_ended, anyio.Event()
            ended.set()

    async def _end_with(self, stop: Stop | None, reading: anyio.CancelScope) -> None:
        while stop is None or not stop.begun:
            await anyio.sleep(_STOP_POLL_SECONDS)
        self._problem = self._problem or Stopping(
            "the server is stopping: send the lines without an answer once more"
        )
        reading.cancel()


def failure(number: int, id: str | int | None, error: GemelError) -> Answer:
    """The answer to a line that failed. `id`: the client's own."""
    fields = {"line": number, "id": id} | problem_fields(error)
    return Answer(body=json.dumps(fields).encode(), failed=True)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
