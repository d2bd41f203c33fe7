"""Bodies share the memory that there is for them, and slots are free for work."""

from collections.abc import Sequence
from typing import Any

import anyio
from starlette.types import Message, Receive, Scope, Send

from service.middleware.admission import AdmissionControl, RequestSlots
from service.middleware.body_limit import BodyLimit

SCOPE: Scope = {"type": "http", "method": "POST", "path": "/v1/detect", "headers": []}
KILO = b"x" * 1000


class Client:
    """Sends a body in pieces, as it is told to, and keeps the answer."""

    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[Message](100)
        self.status: int | None = None

    def sends(self, *pieces: bytes, ends: bool = False) -> None:
        for number, piece in enumerate(pieces, 1):
            more = not (ends and number == len(pieces))
            self._send.send_nowait({"type": "http.request", "body": piece, "more_body": more})

    def hangs_up(self) -> None:
        self._send.send_nowait({"type": "http.disconnect"})

    async def receive(self) -> Message:
        return await self._receive.receive()

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)

    def close(self) -> None:
        self._send.close()
        self._receive.close()


class Application:
    """Reads the body and answers 200, once it may."""

    def __init__(self) -> None:
        self.may_answer = anyio.Event()
        self.bodies: list[bytes] = []

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def limit(application: Application, *, memory: int = 5000, most: int = 3000) -> BodyLimit:
    return BodyLimit(application, max_bytes=most, memory_bytes=memory)


async def nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def settle() -> None:
    await anyio.wait_all_tasks_blocked()


def run(clients: Sequence[Client], test: Any) -> None:
    anyio.run(test)
    for client in clients:
        client.close()


def test_for_a_body_that_does_not_fit_the_slowest_is_given_up() -> None:
    clients = [Client() for _ in range(3)]

    async def test() -> None:
        application = Application()
        application.may_answer.set()
        limited = limit(application)
        async with anyio.create_task_group() as tasks:
            for client in clients[:2]:
                client.sends(KILO, KILO)
                tasks.start_soon(limited, SCOPE, client.receive, client.send)
                await settle()
            clients[2].sends(KILO, KILO, ends=True)
            tasks.start_soon(limited, SCOPE, clients[2].receive, clients[2].send)
            await settle()
            assert [client.status for client in clients] == [503, None, 200]
            clients[1].sends(KILO, ends=True)
            await settle()
            assert clients[1].status == 200
        assert application.bodies == [KILO * 2, KILO * 3]

    run(clients, test)


def test_a_body_whose_request_is_worked_on_is_never_given_up() -> None:
    """Then it is the new one that is told to come again; and afterwards there is room."""
    clients = [Client() for _ in range(4)]

    async def test() -> None:
        application = Application()
        limited = limit(application)
        async with anyio.create_task_group() as tasks:
            for client in clients[:3]:
                client.sends(KILO, KILO, ends=True)
                tasks.start_soon(limited, SCOPE, client.receive, client.send)
                await settle()
            assert [client.status for client in clients] == [None, None, 503, None]
            application.may_answer.set()
            await settle()
            clients[3].sends(KILO, KILO, ends=True)
            tasks.start_soon(limited, SCOPE, clients[3].receive, clients[3].send)
            await settle()
        assert [client.status for client in clients] == [200, 200, 503, 200]

    run(clients, test)


def test_who_hangs_up_while_sending_takes_no_slot_and_no_memory() -> None:
    clients = [Client() for _ in range(20)]

    async def test() -> None:
        application = Application()
        application.may_answer.set()
        limited = limit(application)
        async with anyio.create_task_group() as tasks:
            for client in clients[:-1]:
                client.sends(KILO, KILO)
                client.hangs_up()
                tasks.start_soon(limited, SCOPE, client.receive, client.send)
                await settle()
            clients[-1].sends(KILO, KILO, KILO, ends=True)
            tasks.start_soon(limited, SCOPE, clients[-1].receive, clients[-1].send)
        assert application.bodies == [KILO * 3]
        assert clients[-1].status == 200

    run(clients, test)


def test_a_slot_is_free_again_once_the_answer_begins() -> None:
    """A client that does not read holds none."""

    async def test() -> None:
        slots = RequestSlots(1)
        reads = anyio.Event()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})

        crowd = AdmissionControl(application, slots=slots)
        statuses: list[int] = []

        async def slow_send(message: Message) -> None:
            statuses.append(message["status"])
            await reads.wait()

        async def quick_send(message: Message) -> None:
            statuses.append(message.get("status", 0))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crowd, SCOPE, nothing, slow_send)
            await settle()
            await crowd(SCOPE, nothing, quick_send)
            reads.set()
        assert statuses == [200, 200]
        slots.take()

    anyio.run(test)
