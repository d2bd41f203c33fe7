"""The token in the cookie, and what is derived from it. Only the hash of the token is stored.

All functions are HMAC-SHA256 or SHA-256, so one result reveals neither the token nor another result.
"""

import hashlib
import hmac
import re
import secrets

TOKEN_BYTES = 32
_TEXT = re.compile(rb"[0-9a-f]{64}")


def mint() -> str:
    """A new token of 256 random bits, in hexadecimal."""
    return secrets.token_hex(TOKEN_BYTES)


def is_token(text: bytes) -> bool:
    """Whether it has the format of a token of `mint`."""
    return _TEXT.fullmatch(text) is not None


def token_hash(token: bytes) -> bytes:
    """32 bytes, under which the sign-in is stored."""
    return hashlib.sha256(token).digest()


def key_binding(token: bytes, key_digest: bytes) -> bytes:
    """32 bytes, which only the holder of the token can compare with the hash of a key."""
    return hmac.digest(token, b"key" + key_digest, "sha256")


def csrf_token(token: bytes) -> str:
    """Pages send it with requests that change things. A page of another site cannot read it."""
    return hmac.digest(token, b"csrf", "sha256").hex()
