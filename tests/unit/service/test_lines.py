"""A request's body is read line by line, in bounded memory whatever its client sends."""

import inspect
import tracemalloc
from collections.abc import Sequence

import anyio
import pytest
from starlette.types import Message

from indexer.errors import UploadTooLarge
from service.streaming.lines import Disconnected, Line, LineReader, Memory

KB = 1000


def read(
    pieces: Sequence[bytes | None], memory: Memory, *, max_bytes: int = 10 * KB, keep: int = 0
) -> list[Line]:
    """`pieces`: None is a disconnect. `keep`: lines whose memory is freed only while the reader waits."""
    found: list[Line] = []
    left = list(pieces)

    async def receive() -> Message:
        piece = left.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    kept: list[Line] = []

    async def wait() -> bool:
        if not kept:
            return False
        memory.free(len(kept.pop(0).data))
        return True

    async def run() -> None:
        reader = LineReader(receive, memory, max_bytes=max_bytes, wait=wait)
        try:
            async for line in reader.lines():
                found.append(line)
                kept.append(line)
                if len(kept) > keep:
                    memory.free(len(kept.pop(0).data))
        finally:
            reader.close()
        while await wait():
            pass

    anyio.run(run)
    return found


async def no_line_is_left() -> bool:
    return False


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_the_same_however_the_body_arrives(size: int) -> None:
    body = b'{"a": 1}\n\n  \r\n{"b": 2}\r\n{"c": 3}'
    memory = Memory(KB)

    lines = read([body[start : start + size] for start in range(0, len(body), size)], memory)

    assert [(line.number, line.data.strip()) for line in lines] == [
        (1, b'{"a": 1}'),
        (4, b'{"b": 2}'),
        (5, b'{"c": 3}'),
    ]
    assert memory.take(KB)


def test_the_rest_of_a_line_that_is_too_long_is_skipped() -> None:
    memory = Memory(20 * KB)

    lines = read([b"A" * KB] * 19 + [b"\nnext\n"], memory)

    assert [(line.data, line.problem and line.problem.code) for line in lines] == [
        (b"", "upload_too_large"),
        (b"next", None),
    ]
    assert [line.number for line in lines] == [1, 2]
    assert memory.take(20 * KB)


def test_a_line_that_is_too_long_is_answered_before_its_end_arrives() -> None:
    memory = Memory(20 * KB)
    found: list[Line] = []
    sent = 0

    async def receive() -> Message:
        nonlocal sent
        if found:  # the client waits for the answer
            return {"type": "http.disconnect"}
        sent += KB
        return {"type": "http.request", "body": b"A" * KB, "more_body": True}

    async def run() -> None:
        reader = LineReader(receive, memory, max_bytes=10 * KB, wait=no_line_is_left)
        async for line in reader.lines():
            found.append(line)  # noqa: PERF401 `receive` looks at it

    with pytest.raises(Disconnected):
        anyio.run(run)

    assert [line.problem and line.problem.code for line in found] == ["upload_too_large"]
    assert sent == 11 * KB


def test_a_line_that_never_ends_ends_the_stream() -> None:
    memory = Memory(20 * KB)
    pieces: list[bytes | None] = [b"A" * KB] * 150

    with pytest.raises(UploadTooLarge, match="line 1 does not end"):
        read(pieces, memory)

    assert memory.take(20 * KB)


def test_where_memory_is_used_up_a_line_waits_for_earlier_ones_of_its_stream() -> None:
    memory = Memory(3 * KB)

    lines = read([b"A" * KB + b"\n"] * 20, memory, keep=10)

    assert [line.problem for line in lines] == [None] * 20
    assert memory.take(3 * KB)


def test_where_others_use_all_memory_a_line_fails_and_the_next_is_read() -> None:
    memory = Memory(5 * KB)
    memory.take(4 * KB)

    lines = read([b"A" * KB, b"A" * KB, b"\nshort"], memory)

    assert [line.problem and line.problem.code for line in lines] == ["busy", None]
    assert memory.take(KB)


def test_a_client_that_is_gone_leaves_no_memory_behind() -> None:
    memory = Memory(5 * KB)

    with pytest.raises(Disconnected):
        read([b"one\n" + b"A" * KB, None], memory)

    assert memory.take(5 * KB)


def test_a_line_in_tiny_pieces_takes_no_more_memory_than_it_has_bytes() -> None:
    size = 200 * KB
    left = size
    held: list[int] = []

    async def receive() -> Message:
        nonlocal left
        left -= 2
        if left <= 0:
            held.append(traced_bytes(inspect.getfile(LineReader), __file__))
        return {"type": "http.request", "body": b"%02d" % (left % 97), "more_body": left > 0}

    async def wait() -> bool:
        return False

    async def run() -> int:
        reader = LineReader(receive, Memory(size), max_bytes=size, wait=wait)
        return sum([len(line.data) async for line in reader.lines()])

    tracemalloc.start()
    try:
        assert anyio.run(run) == size
    finally:
        tracemalloc.stop()
    assert size <= held[0] < 2 * size


def traced_bytes(*files: str) -> int:
    """What these modules have allocated and hold: other threads of this process do not count."""
    found = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, file) for file in files])
    return sum(trace.size for trace in found.traces)
