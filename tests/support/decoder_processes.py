"""Finds decoder processes, and makes a picture that keeps one busy."""

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

GENEROUS_SECONDS = 60.0


def slow_picture() -> bytes:
    """8 MB of runs of one pixel, which Pillow decodes one by one, and a size of 4 megapixels."""
    body = (b"\x01\x05" * 2_000 + b"\x00\x00") * 1_900 + b"\x00\x01"
    info = struct.pack("<IiiHHIIiiII", 40, 2_000, 1_900, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(body), 0, 0, 54 + 1024) + info + bytes(1024) + body


def decoder_processes(parent: int | None = None) -> list[int]:
    """The pids of the living decoder processes of `parent`, or of this process."""
    return [
        pid
        for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        if state(pid)[1:2] == [str(parent or os.getpid())]
        and b"decoding.process" in (Path("/proc") / str(pid) / "cmdline").read_bytes()
    ]


def state(pid: int) -> list[str]:
    """The fields of proc(5) from the state on; empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def at_work(pid: int) -> bool:
    """Whether it decodes a picture: the start of a process takes less processor time."""
    return int(state(pid)[11]) / os.sysconf("SC_CLK_TCK") > 0.4


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def eventually(condition: Callable[[], bool], *, seconds: float = GENEROUS_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
