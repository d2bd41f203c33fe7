"""Answers that are made while they are sent."""

from collections.abc import AsyncIterator, Generator, Iterator

import anyio
import anyio.to_thread
from starlette.responses import StreamingResponse

SLICE_BYTES = 262_144


def streamed(parts: Generator[bytes], *, media_type: str, file_name: str) -> StreamingResponse:
    """The bytes of `parts`, which run in a thread, and are closed when the client has disconnected.

    The first part is made before the answer begins: what it raises is an ordinary error. Later the connection
    ends without the last chunk, so that no client takes the file for complete.
    """
    first = next(parts, b"")
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_sent(first, parts), media_type=media_type, headers=headers)


async def _sent(first: bytes, parts: Generator[bytes]) -> AsyncIterator[bytes]:
    part: bytes | None = first
    try:
        while part is not None:
            for piece in _slices(part):
                yield piece
            part = await anyio.to_thread.run_sync(next, parts, None)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(parts.close)


def _slices(part: bytes) -> Iterator[bytes]:
    view = memoryview(part)
    for start in range(0, len(part), SLICE_BYTES):
        yield bytes(view[start : start + SLICE_BYTES])
