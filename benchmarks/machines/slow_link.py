"""A cable that can be slow: two TAP devices, and a process that carries each frame from one to the other.

`tc netem` does this in the kernel, if the kernel has it; this needs `/dev/net/tun` only.
https://docs.kernel.org/networking/tuntap.html
"""

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque

_SET_INTERFACE = 0x400454CA  # TUNSETIFF
_TAP, _NO_INFORMATION = 0x0002, 0x1000  # IFF_TAP, IFF_NO_PI
_FRAME_BYTES = 65_536


class SlowLink:
    """The two devices exist when the constructor returns. They go with `close`."""

    def __init__(self, one: str, other: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.machines.slow_link", one, other],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"cannot make TAP devices {one} and {other}")

    def delay(self, milliseconds: float) -> None:
        """Of frames that come from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{milliseconds}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def carry(one: str, other: str) -> None:
    """Runs until it is killed, or its standard input ends."""
    devices = [_device(name) for name in (one, other)]
    towards = dict(zip(devices, reversed(devices), strict=True))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    delay_seconds = 0.0
    waiting: deque[tuple[float, int, bytes]] = deque()
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, device, frame = waiting.popleft()
            _send(device, frame)
        timeout = max(0.0, waiting[0][0] - now) if waiting else None
        for ready in select.select([*devices, 0], [], [], timeout)[0]:
            if ready == 0:
                line = sys.stdin.readline()
                if not line:
                    return
                delay_seconds = float(line) / 1e3
            else:
                frame = os.read(ready, _FRAME_BYTES)
                if delay_seconds or waiting:  # what is on its way is not overtaken
                    waiting.append((time.monotonic() + delay_seconds, towards[ready], frame))
                else:
                    _send(towards[ready], frame)


def _device(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _SET_INTERFACE, struct.pack("16sH22x", name.encode(), _TAP | _NO_INFORMATION))
    return device


def _send(device: int, frame: bytes) -> None:
    with contextlib.suppress(OSError):  # that end of the cable is down: the frame is lost, as on a real one
        os.write(device, frame)


if __name__ == "__main__":
    carry(*sys.argv[1:])
