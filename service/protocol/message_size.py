"""Counts the bytes of one HTTP message, because the parser has no limits of its own."""

from indexer.errors import GemelError, HeaderTooLarge, MalformedRequest

MAX_HEAD_BYTES = 32_768
"""The request line, all header fields and all trailer fields together."""
MAX_FIELDS = 200
MAX_FRAMING_BYTES = 65_536
"""Bytes of chunk sizes and extensions that a chunked body may have, in addition to as many as its data."""


class MessageSize:
    def __init__(self) -> None:
        self.head_bytes = 0
        self.fields = 0
        self.body_bytes = 0
        self.unreported_bytes = 0
        """Bytes since the parser last called back: it buffers them."""
        self._framed_bytes: int | None = None
        """Bytes of the body with its framing; None before the body."""

    def received(self, count: int) -> None:
        self.unreported_bytes += count
        if self._framed_bytes is not None:
            self._framed_bytes += count

    def head(self, count: int) -> None:
        self.head_bytes += count
        self.unreported_bytes = 0

    def field(self, name: bytes, value: bytes) -> None:
        self.fields += 1
        self.head(len(name) + len(value) + 4)

    def head_complete(self) -> None:
        self.unreported_bytes = 0
        self._framed_bytes = 0

    def chunk(self) -> None:
        self.unreported_bytes = 0

    def body(self, count: int) -> None:
        self.unreported_bytes = 0
        self.body_bytes += count

    def violation(self) -> GemelError | None:
        if max(self.head_bytes, self.unreported_bytes) > MAX_HEAD_BYTES:
            return HeaderTooLarge(
                f"the request's header fields have more than {MAX_HEAD_BYTES} bytes", limit=MAX_HEAD_BYTES
            )
        if self.fields > MAX_FIELDS:
            return HeaderTooLarge(f"the request has more than {MAX_FIELDS} header fields", limit=MAX_FIELDS)
        if (self._framed_bytes or 0) - self.body_bytes > MAX_FRAMING_BYTES + self.body_bytes:
            return MalformedRequest("the chunks of the body are too small, or their extensions too long")
        return None
