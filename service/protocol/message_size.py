"""Counts the bytes of one HTTP message, because the parser has no limits of its own."""

from indexer.errors import GemelError, HeaderTooLarge, MalformedRequest

MAX_HEAD_BYTES = 32_768
"""The request line, all header fields and all trailer fields together."""
MAX_FIELDS = 200
MAX_FRAMING_BYTES = 65_536
"""Bytes of chunk sizes and extensions that a chunked body may have, in addition to as many as its data."""
_MAX_DIGITS = 18


class MessageSize:
    def __init__(self) -> None:
        self.head_bytes = 0
        self.fields = 0
        self.body_bytes = 0
        self.unreported_bytes = 0
        """Bytes since the parser last called back: it buffers them."""
        self._announced_bytes = 0
        """The Content-Length. A chunked body has none."""
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
        if name.lower() == b"content-length" and value.isdigit():
            self._announced_bytes = int(value[:_MAX_DIGITS])

    def head_complete(self) -> None:
        self.unreported_bytes = 0
        self._framed_bytes = 0

    def chunk(self) -> None:
        self.unreported_bytes = 0

    def body(self, count: int) -> None:
        self.unreported_bytes = 0
        self.body_bytes += count

    @property
    def body_bytes_left(self) -> int:
        """The next bytes that can only be the body's; 0 if its length is not known, or before the body."""
        return 0 if self._framed_bytes is None else max(0, self._announced_bytes - self.body_bytes)

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
