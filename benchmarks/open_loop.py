"""Sends one prepared request over and over, in a process of its own: at a rate, or by clients that wait.

Open loop: requests leave at the rate, whether or not earlier ones were answered, as those of many independent
clients do. Closed loop: so many clients, each of which sends its next request after the answer.
"""

import asyncio
import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np

MAX_CONNECTIONS = 500
PATIENCE_SECONDS = 30.0
RETRY_AFTER_SECONDS = 1.0
"""A client of a closed loop waits so long after a 503, as `Retry-After` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    port: int
    request: bytes
    seconds: float
    rate: float | None = None
    """Requests a second, at random moments (a Poisson process). None: closed loop."""
    clients: int = 1
    """Of a closed loop."""


@dataclass(slots=True, kw_only=True)
class Answers:
    seconds: float
    ms: dict[int, list[float]] = field(default_factory=dict)
    """Times from the sending to the whole answer, by status. 0: no answer."""
    unsent: int = 0
    """Requests for which no connection was free."""

    def count(self, status: int) -> int:
        return len(self.ms.get(status, ()))

    def percentile(self, percent: float, status: int = 200) -> float:
        return float(np.percentile(self.ms[status], percent)) if self.count(status) else float("nan")


def send(load: Load) -> Answers:
    """In a process of its own. Its threads would otherwise share an interpreter with the caller's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_send, load).result()


class _Connection(asyncio.Protocol):
    """Reads only the status and the length of an answer: a complete client would use a core by itself."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._length: int | None = None
        self._status = 0
        self._sent_at = 0.0
        self._answer: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> int:
        """The status; 0 without an answer."""
        assert self._transport is not None
        self._status = 0
        self._answer = asyncio.get_running_loop().create_future()
        self._sent_at = time.perf_counter()
        self._transport.write(request)
        try:
            await asyncio.wait_for(self._answer, PATIENCE_SECONDS)
        except TimeoutError:
            self._transport.abort()
        return self._status

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._length is None and (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end]).lower()
            self._status = int(head[9:12])
            self._length = end + 4 + int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        if self._length is not None and len(self._received) >= self._length:
            self._received.clear()
            self._length = None
            self._done(self._status)

    def connection_lost(self, _: Exception | None) -> None:
        self._done(0)

    def _done(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answers.ms.setdefault(status, []).append((time.perf_counter() - self._sent_at) * 1e3)
            self._answer.set_result(None)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class _Connections:
    def __init__(self, port: int, answers: Answers) -> None:
        self._port = port
        self._answers = answers
        self._idle: list[_Connection] = []
        self._count = 0

    async def ask(self, request: bytes) -> int | None:
        """The status; None if no connection is free."""
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                break
            self._count -= 1
        else:
            if self._count >= MAX_CONNECTIONS:
                self._answers.unsent += 1
                return None
            self._count += 1
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(
                lambda: _Connection(self._answers), "127.0.0.1", self._port
            )
        status = await connection.ask(request)
        self._idle.append(connection)
        return status

    def close(self) -> None:
        for connection in self._idle:
            connection.close()


def _send(load: Load) -> Answers:
    return asyncio.run(_closed(load) if load.rate is None else _open(load, load.rate))


async def _open(load: Load, rate: float) -> Answers:
    answers = Answers(seconds=load.seconds)
    connections = _Connections(load.port, answers)
    chance = random.Random(0)
    start = due = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        while (due := due + chance.expovariate(rate)) < start + load.seconds:
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            tasks.create_task(connections.ask(load.request))
    connections.close()
    return answers


async def _closed(load: Load) -> Answers:
    answers = Answers(seconds=load.seconds)
    connections = _Connections(load.port, answers)
    end = time.perf_counter() + load.seconds

    async def client() -> None:
        while time.perf_counter() < end:
            if await connections.ask(load.request) == 503:
                await asyncio.sleep(RETRY_AFTER_SECONDS)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(load.clients):
            tasks.create_task(client())
    connections.close()
    return answers
