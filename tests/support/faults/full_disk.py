"""A disk that takes no more: no file can get longer than some bytes.

Python's importer does not notice that it wrote half of a module's bytecode (python/cpython#126606), and every
process that imports the module afterwards fails. So a process with a full disk writes no bytecode.
"""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def fill(size_bytes: int) -> None:
    """From now on no file that this process writes gets longer."""
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


@contextmanager
def full(size_bytes: int) -> Iterator[None]:
    """Within the block no file that this process writes gets longer."""
    limits, writes = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    fill(size_bytes)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        sys.dont_write_bytecode = writes
