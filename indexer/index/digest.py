"""A fingerprint of the contents of an index, independent of their order and updated with each change.

It is the sum, modulo 2^128, of a hash of each (key, vector): AdHash, after Bellare and Micciancio, "A new
paradigm for collision-free hashing: incrementality at reduced cost" (1997). It detects mistakes, not
forgery. Vectors are hashed as float16, so that every tier has the same digest.
"""

import hashlib

import numpy as np

from indexer.types import Keys, Vectors

_MODULUS = 1 << 128


class Digest:
    def __init__(self, value: int = 0) -> None:
        self._value = value

    @classmethod
    def from_hex(cls, text: str) -> "Digest":
        return cls(int(text, 16))

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """`vectors`: (n, dimension), float32; whether they are rounded to float16 makes no difference."""
        self._value = (self._value + _sum(keys, vectors)) % _MODULUS

    def remove(self, keys: Keys, vectors: Vectors) -> None:
        self._value = (self._value - _sum(keys, vectors)) % _MODULUS

    def join(self, other: "Digest") -> None:
        """Adds the contents of another index, which has none of the same rows."""
        self._value = (self._value + other._value) % _MODULUS

    @property
    def hex(self) -> str:
        return f"{self._value:032x}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digest) and self._value == other._value

    __hash__ = None  # type: ignore[assignment]


def _sum(keys: Keys, vectors: Vectors) -> int:
    rows = np.ascontiguousarray(vectors, "<f2")
    numbers = np.ascontiguousarray(keys, "<i8")
    return sum(
        int.from_bytes(hashlib.blake2b(row, key=key, digest_size=16).digest(), "little")
        for key, row in zip(_bytes_of(numbers), rows, strict=True)
    )


def _bytes_of(numbers: Keys) -> list[bytes]:
    raw = numbers.tobytes()
    return [raw[i : i + 8] for i in range(0, len(raw), 8)]
