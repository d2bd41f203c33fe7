"""Bodies share the memory that there is for them, and slots are free for work."""

import asyncio
import tracemalloc
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from indexer.errors import Busy
from service.middleware.admission import AdmissionControl, EarlyRejection, RequestSlots
from service.middleware.body_limit import BodyLimit
from service.middleware.overload import OverloadDetector

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


def test_a_body_in_tiny_pieces_takes_little_more_memory_than_it_has_bytes() -> None:
    size = 400_000
    left = size
    bodies: list[bytes] = []
    held = 0

    async def receive() -> Message:
        nonlocal left
        left -= 2
        return {"type": "http.request", "body": b"%02d" % (left % 97), "more_body": left > 0}

    async def application(_: Scope, receive: Receive, __: Send) -> None:
        nonlocal held
        held = tracemalloc.get_traced_memory()[0]
        more = True
        while more:
            message = await receive()
            bodies.append(message["body"])
            more = message["more_body"]

    async def send(_: Message) -> None:
        raise AssertionError

    async def test() -> None:
        limited = BodyLimit(application, max_bytes=size, memory_bytes=size)
        tracemalloc.start()
        try:
            await limited(SCOPE, receive, send)
        finally:
            tracemalloc.stop()

    anyio.run(test)

    assert len(b"".join(bodies)) == size
    assert b"".join(bodies)[:2] == b"%02d" % ((size - 2) % 97)
    assert held < 2 * size


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
        await slots.take()

    anyio.run(test)


def test_requests_wait_for_a_thread_in_the_order_of_their_arrival() -> None:
    async def test() -> None:
        slots = RequestSlots(10, threads=1)
        order: list[int] = []

        async def work(number: int) -> None:
            await slots.take()
            order.append(number)
            await settle()
            slots.release()

        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(work, number)
                await anyio.sleep(0)
        assert order == [0, 1, 2, 3, 4]

    anyio.run(test)


@pytest.mark.parametrize("turn_has_come", [False, True])
def test_a_request_that_stops_waiting_leaves_its_turn_to_the_next(turn_has_come: bool) -> None:
    async def test() -> None:
        slots = RequestSlots(3, threads=1)
        await slots.take()
        first, second = (asyncio.create_task(slots.take()) for _ in range(2))
        await asyncio.sleep(0)
        if turn_has_come:
            slots.release()
            first.cancel()
        else:
            first.cancel()
            await asyncio.sleep(0)
            slots.release()
        await asyncio.wait_for(second, 10)
        slots.release()
        for _ in range(3):
            slots.check()
            await asyncio.wait_for(slots.take(), 10)
            slots.release()

    asyncio.run(test())


class Overloaded(OverloadDetector):
    """Says what the test sets."""

    now = False

    @property
    def overloaded(self) -> bool:
        return self.now


def test_when_overload_begins_those_that_wait_are_rejected_and_those_in_work_are_finished() -> None:
    async def test() -> None:
        overload = Overloaded()
        slots = RequestSlots(10, threads=2, most_overloaded=2, overload=overload)
        outcomes: list[str] = []

        async def ask() -> None:
            try:
                await slots.take()
            except Busy:
                outcomes.append("rejected")
            else:
                outcomes.append("in work")

        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(ask)
            await settle()
            assert outcomes == ["in work"] * 2
            overload.now = True
            with pytest.raises(Busy):
                slots.check()
            await settle()
            assert outcomes == ["in work"] * 2 + ["rejected"] * 4
        slots.release()
        slots.check()
        await slots.take()
        with pytest.raises(Busy):
            await slots.take()
        overload.now = False
        slots.check()

    anyio.run(test)


def test_without_a_slot_a_request_is_answered_before_its_body_is_read() -> None:
    async def test() -> None:
        application = Application()
        slots = RequestSlots(1)
        early = EarlyRejection(application, slots=slots)
        await slots.take()
        client = Client()
        client.sends(KILO)
        with anyio.fail_after(10):
            await early(SCOPE, client.receive, client.send)
        assert client.status == 503
        slots.release()
        client.sends(KILO, ends=True)
        application.may_answer.set()
        await early(SCOPE, client.receive, client.send)
        client.close()
        assert client.status == 200

    anyio.run(test)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_checks_and_metrics_need_no_slot(path: str) -> None:
    async def test() -> None:
        application = Application()
        application.may_answer.set()
        slots = RequestSlots(1)
        await slots.take()
        client = Client()
        admission = AdmissionControl(application, slots=slots)
        await EarlyRejection(admission, slots=slots)({**SCOPE, "path": path}, nothing, client.send)
        client.close()
        assert client.status == 200

    anyio.run(test)
