"""Parses forms as browsers and other programs send them: multipart/form-data (RFC 7578) and urlencoded.

The whole body is in memory, so a few byte searches split it, in time linear in its length.
"""

import quopri
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header

from indexer.errors import InvalidRequest
from service.requests.base64_bytes import decoded, looks_encoded

MAX_FIELDS = 1000
_MAX_BOUNDARY = 200
_MAX_PART_HEAD = 8192
_MAX_PART_FIELDS = 20
_MAX_SEMICOLONS = 300
"""Limit for the header fields of the form, and of each part: each semicolon costs a microsecond, and a file
name may have 255 of them."""
_MAX_ESCAPES = 100_000
"""Limit for one urlencoded value, not counting the escapes that base64 needs."""
_CHARSETS = {"utf-8", "utf8", "us-ascii", "iso-8859-1", "windows-1252"}
_IN_BASE64 = {b"%2B": b"+", b"%2F": b"/", b"%3D": b"=", b"%0D": b"\r", b"%0A": b"\n"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One value of a form."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: str = ""
    charset: str = "utf-8"
    urlencoded: bool = False

    @property
    def blank(self) -> bool:
        """Whether the field was left empty. An empty file with a name is not blank."""
        return not self.filename and not self.data

    @property
    def text(self) -> str:
        """Raises InvalidRequest."""
        try:
            return self.data.decode(self.charset)
        except UnicodeDecodeError:
            why = "; this request takes no picture in that field" if self.filename else ""
            message = f"{self.name[:100]} is not {self.charset} text{why}"
            raise InvalidRequest(message, field=self.name) from None

    @property
    def picture(self) -> bytes:
        """The bytes of a file, or of decoded base64. Raises ValueError."""
        if self.urlencoded:  # in a form, an unescaped `+` means a blank
            return decoded(self.data.replace(b" ", b"+"))
        is_file = self.filename is not None or self.content_type.startswith(("image/", "application/octet"))
        return decoded(self.data) if not is_file and looks_encoded(self.data) else self.data


def parse_multipart(body: bytes, content_type: str) -> list[Part]:
    """Raises InvalidRequest, also if the form ends before its last boundary."""
    if content_type.count(";") > _MAX_SEMICOLONS:
        raise _malformed(f"its Content-Type has more than {_MAX_SEMICOLONS} semicolons")
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 0 < len(boundary) <= _MAX_BOUNDARY:
        raise _malformed(f"its boundary must have 1 to {_MAX_BOUNDARY} characters")
    delimiter = b"\r\n--" + boundary
    at = 0 if body.startswith(delimiter[2:]) else body.find(delimiter) + 2
    if at == 1:
        raise _malformed("its boundary does not occur")
    at += len(delimiter) - 2
    parts: list[Part] = []
    while not body.startswith(b"--", at):
        begin = body.find(b"\r\n", at, at + _MAX_PART_HEAD)
        end = body.find(delimiter, at)
        if end < 0:
            raise _malformed("it ends before its last boundary")
        if begin < 0 or begin > end or body[at:begin].strip(b" \t"):
            raise _malformed("a boundary is followed by something other than a line end")
        if len(parts) == MAX_FIELDS:
            raise _malformed(f"it has more than {MAX_FIELDS} parts")
        parts.append(_part(body, begin, end))
        at = end + len(delimiter)
    return parts


def parse_urlencoded(body: bytes) -> list[Part]:
    """Raises InvalidRequest."""
    if body.count(b"&") >= MAX_FIELDS:
        raise _malformed(f"it has more than {MAX_FIELDS} fields")
    parts = []
    for field in body.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            named = Part(name="name", data=_unescaped(name), urlencoded=True).text
            parts.append(Part(name=named, data=_unescaped(value), urlencoded=True))
    return parts


def _part(body: bytes, begin: int, end: int) -> Part:
    """`begin`: offset of the line end before the header fields. `end`: offset of the end of the data."""
    head_end = body.find(b"\r\n\r\n", begin, min(end + 4, begin + _MAX_PART_HEAD))
    if head_end < 0:
        raise _malformed(f"a part's header fields have no end or more than {_MAX_PART_HEAD} bytes")
    fields = _fields(body[begin + 2 : head_end])
    disposition = parse_options_header(fields.get("content-disposition", ""))[1]
    name = _label(disposition.get(b"name", b""))
    if not name:
        raise _malformed("a part has no name in Content-Disposition")
    content_type, options = parse_options_header(fields.get("content-type", ""))
    charset = options.get(b"charset", b"").decode("latin-1").lower()
    return Part(
        name=name,
        data=_transferred(body[head_end + 4 : end], fields.get("content-transfer-encoding", "")),
        filename=None if b"filename" not in disposition else _label(disposition[b"filename"]),
        content_type=content_type.decode("latin-1"),
        charset=charset if charset in _CHARSETS else "utf-8",
    )


def _fields(head: bytes) -> dict[str, str]:
    if head.count(b";") > _MAX_SEMICOLONS:
        raise _malformed(f"a part's header fields have more than {_MAX_SEMICOLONS} semicolons")
    lines = re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n") if head else []
    if len(lines) > _MAX_PART_FIELDS:
        raise _malformed(f"a part has more than {_MAX_PART_FIELDS} header fields")
    fields = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name.strip():
            raise _malformed("a part has a header field without a colon")
        fields[name.strip().lower()] = value.strip()
    return fields


def _transferred(data: bytes, encoding: str) -> bytes:
    """Decodes Content-Transfer-Encoding, which some mail libraries still send."""
    encoding = encoding.lower()
    if encoding in ("", "binary", "8bit", "7bit"):
        return data
    if encoding == "quoted-printable":
        return quopri.decodestring(data)
    if encoding == "base64":
        try:
            return decoded(data)
        except ValueError as error:
            raise _malformed(f"a part is not base64: {error}") from None
    raise _malformed(f"Content-Transfer-Encoding {encoding[:50]!r} is not supported")


def _unescaped(value: bytes) -> bytes:
    value = value.replace(b"+", b" ")
    if value.count(b"%") > _MAX_ESCAPES:
        for escape, byte in _IN_BASE64.items():
            value = value.replace(escape, byte).replace(escape.lower(), byte)
        if value.count(b"%") > _MAX_ESCAPES:
            raise _malformed(f"a value has more than {_MAX_ESCAPES} escapes")
    return unquote_to_bytes(value)


def _label(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _malformed(why: str) -> InvalidRequest:
    return InvalidRequest(f"the form is malformed: {why}")
