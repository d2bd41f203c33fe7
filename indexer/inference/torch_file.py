"""Reads the tensors of a file that torch wrote before its version 1.6, without torch.

Such a file is five pickles, then the tensors' numbers: a magic number, a version, facts of the machine, the
tensors as places in storages, and the storages' keys in the order in which their numbers follow.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_COUNT_BYTES = 8
"""Before the numbers of a storage there is how many they are."""


class _Storage:
    """Numbers of one type, which a tensor shows a part of."""

    def __init__(self, dtype: str, key: str) -> None:
        self.dtype = np.dtype(dtype)
        self.key = key


class _Place:
    """A tensor before its numbers have been read."""

    def __init__(
        self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
    ) -> None:
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def tensor(self, numbers: NDArray[Any]) -> NDArray[Any]:
        bytes_each = numbers.dtype.itemsize
        strides = tuple(step * bytes_each for step in self.stride)
        reach = sum((side - 1) * step for side, step in zip(self.size, self.stride, strict=True))
        if self.offset + reach >= len(numbers):
            raise ValueError("a tensor reaches beyond its storage")
        return np.ndarray(self.size, numbers.dtype, numbers, self.offset * bytes_each, strides).copy()


_NAMES: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _Place,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}
"""All that such a file of tensors may name: a pickle can otherwise run any function."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}") from None

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, *_ = pid
        return _Storage(dtype, key)


def read_tensors(data: bytes) -> dict[str, NDArray[Any]]:
    """The tensors by name. Raises ValueError if `data` is no such file."""
    file = io.BytesIO(data)
    try:
        magic, _, _, places, keys = (_Unpickler(file).load() for _ in range(5))
        if magic != _MAGIC:
            raise ValueError("it does not begin as torch's files do")
        dtypes = {place.storage.key: place.storage.dtype for place in places.values()}
        storages = {}
        for key in keys:
            count = int.from_bytes(file.read(_COUNT_BYTES), "little")
            storages[key] = np.frombuffer(file.read(count * dtypes[key].itemsize), dtypes[key], count)
        return {name: place.tensor(storages[place.storage.key]) for name, place in places.items()}
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a file of tensors: {error}") from error
