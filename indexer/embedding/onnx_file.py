"""Checks an ONNX file before anything runs it: all of the network's weights must be in the file."""

import mmap
from collections.abc import Iterator
from pathlib import Path

from indexer.errors import CardUnusable
from indexer.files import open_regular

PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""The messages of onnx.proto that can contain a tensor, and the numbers of the fields that lead to it."""
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
"""Fields of a tensor: the place of its data in another file, and whether it is there (1)."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of Protocol Buffers."""


def check_self_contained(path: Path) -> None:
    """Raises CardUnusable if a part of the network is in other files, or if the file is not ONNX.

    The fingerprint of a model covers one file: weights in another file could change without changing the
    fingerprint, and embeddings of two networks would be compared.
    """
    try:
        with open_regular(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            external = _has_external_data(data)
    except ValueError as error:
        raise CardUnusable(f"{path} is not an ONNX file: {error}", path=str(path)) from error
    if external:
        raise CardUnusable(
            f"{path} keeps weights in another file (external data), which its fingerprint would not cover;"
            " embed them: python -c \"import onnx; onnx.save_model(onnx.load('IN.onnx'), 'OUT.onnx',"
            ' save_as_external_data=False)"',
            path=str(path),
        )


def _has_external_data(data: mmap.mmap) -> bool:
    """Raises ValueError if the bytes are not a message."""
    waiting = [("model", 0, len(data))]
    while waiting:
        kind, start, end = waiting.pop()
        for number, wire_type, value, stop in _fields(data, start, end):
            if kind == "tensor":
                if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value == 1):
                    return True
            elif wire_type == _BYTES and number in PARTS[kind]:
                waiting.append((PARTS[kind][number], value, stop))
    return False


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, wire type, value and end of each field; for bytes the value is their start."""
    while start < end:
        tag, start = _varint(data, start, end)
        number, wire_type = tag >> 3, tag & 7
        value = start
        if wire_type == _VARINT:
            value, start = _varint(data, start, end)
        elif wire_type == _BYTES:
            length, value = _varint(data, start, end)
            start = value + length
        elif wire_type in (_FIXED32, _FIXED64):
            start += 4 if wire_type == _FIXED32 else 8
        else:
            raise ValueError(f"unknown wire type {wire_type}")
        if number == 0 or start > end:
            raise ValueError("a field is truncated")
        yield number, wire_type, value, start


def _varint(data: mmap.mmap, start: int, end: int) -> tuple[int, int]:
    """The number, and its end."""
    value = 0
    for place in range(10):
        if start + place >= end:
            raise ValueError("a number is truncated")
        byte = data[start + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, start + place + 1
    raise ValueError("a number is too long")
