"""Fills a table of PostgreSQL as fast as it can be: COPY in its binary format.

https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)
_BLOCK = 20_000


def copy(cursor: Any, into: str, *columns: NDArray[Any]) -> None:
    """`into`: the table and its columns. Each of `columns`, shape (n, ...), holds in a row the bytes of one
    value as PostgreSQL sends it: numbers big-endian."""
    fields: list[Any] = [("fields", ">i2")]
    for i, column in enumerate(columns):
        fields += [(f"length{i}", ">i4"), (f"value{i}", column.dtype, column.shape[1:])]
    record = np.dtype(fields)
    for start in range(0, len(columns[0]), _BLOCK):
        block = slice(start, start + _BLOCK)
        rows = np.empty(len(columns[0][block]), record)
        rows["fields"] = len(columns)
        for i, column in enumerate(columns):
            rows[f"length{i}"] = record[f"value{i}"].itemsize
            rows[f"value{i}"] = column[block]
        file = io.BytesIO(_HEADER + rows.tobytes() + _TRAILER)
        cursor.copy_expert(f"COPY {into} FROM STDIN (FORMAT binary)", file)


def as_pgvector(vectors: NDArray[np.float32]) -> NDArray[Any]:
    """The column of pgvector's type: a dimension, an unused number, the components."""
    dimension = vectors.shape[1]
    column = np.zeros(
        len(vectors), [("dimension", ">i2"), ("unused", ">i2"), ("components", ">f4", (dimension,))]
    )
    column["dimension"] = dimension
    column["components"] = vectors
    return column
