"""The text of a key, `gemel_<prefix>_<secret>`: how it is made, recognised and hashed."""

import hashlib
import re
import secrets

_PREFIX_BYTES = 6
_SECRET_BYTES = 32
_TEXT = re.compile(rb"gemel_([0-9a-f]{12})_[0-9a-f]{64}")


def new_prefix() -> str:
    """48 random bits, which are public: logs and lists name a key by them."""
    return secrets.token_hex(_PREFIX_BYTES)


def mint(prefix: str) -> str:
    """A new text with a secret of 256 random bits."""
    return f"gemel_{prefix}_{secrets.token_hex(_SECRET_BYTES)}"


def prefix_of(text: bytes) -> str | None:
    """None if `text` is not a key that `mint` can have made."""
    found = _TEXT.fullmatch(text)
    return None if found is None else found[1].decode()


def digest(text: bytes) -> bytes:
    """SHA-256, 32 bytes. A slow hash protects passwords, which can be guessed; 256 random bits cannot."""
    return hashlib.sha256(text).digest()
