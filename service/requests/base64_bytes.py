"""Decodes base64 in the forms that clients send: line ends, no padding, either alphabet, data URLs."""

import base64
import binascii
import re

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n\f\v"
_ENCODED = re.compile(rb"[A-Za-z0-9+/_=\s-]*")
_PORTABLE_MAP = re.compile(rb"P[1-6]\s")
_ENOUGH = 64
"""Bytes that distinguish a picture from base64: every format except PNM has non-base64 bytes among them."""


def decoded(value: str | bytes) -> bytes:
    """Raises ValueError."""
    encoded = value if isinstance(value, bytes) else _ascii(value)
    if encoded.startswith(b"data:"):
        kind, _, encoded = encoded.partition(b",")
        if not kind.endswith(b";base64"):
            raise ValueError("the data URL has no ;base64")
    encoded = encoded.translate(_URL_SAFE, _BLANKS).rstrip(b"=")
    if len(encoded) % 4 == 1:
        raise ValueError("it is cut off: base64 never has this number of characters")
    try:
        return base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def looks_encoded(value: bytes) -> bool:
    """Whether `value` is base64 or a data URL rather than a picture."""
    start = value[:_ENOUGH]
    if start.startswith(b"data:"):
        return True
    return _ENCODED.fullmatch(start) is not None and _PORTABLE_MAP.match(start) is None


def _ascii(value: str) -> bytes:
    try:
        return value.encode("ascii")
    except UnicodeEncodeError:
        raise ValueError("it has characters outside ASCII") from None
