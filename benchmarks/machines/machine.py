"""One machine: a network namespace, a cable to the bridge, and a control group."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from benchmarks.machines.iproute2 import ip
from benchmarks.machines.processor import ControlGroup
from benchmarks.machines.slow_link import SlowLink

NAMESPACES = Path("/run/netns")


class Machine:
    """`Network.machine` makes it."""

    def __init__(self, *, name: str, bridge: str, address: str, home: Path) -> None:
        self.name = name
        self.address = address
        self.home = home
        self._bridge = bridge
        self._cable = f"{name}v"
        self._group = ControlGroup(name)
        self._link: SlowLink | None = None
        self._started: list[subprocess.Popen[bytes]] = []

    def connect(self, *, slow: bool = False) -> None:
        """`slow`: by a cable that `slow_down` can make slow."""
        ip("netns", "add", self.name)
        if slow:
            self._link = SlowLink(f"{self.name}t", self._cable)
            ip("link", "set", f"{self.name}t", "netns", self.name)
            ip("-n", self.name, "link", "set", f"{self.name}t", "name", "eth0")
        else:
            ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", self._cable, "master", self._bridge, "up")
        for arguments in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{self.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
        ):
            ip("-n", self.name, *arguments)

    def start(
        self,
        *command: str | Path,
        variables: Mapping[str, str] | None = None,
        log: IO[bytes] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """A process on the machine, which leads a group of its own. `variables`: besides the caller's."""
        join = "".join(f"echo $$ > {file} && " for file in self._group.members)
        enter = f'{join} exec nsenter --net={NAMESPACES / self.name} "$@"'
        process = subprocess.Popen(
            ["sh", "-c", enter, "sh", *map(str, command)],
            env=os.environ | dict(variables or {}),
            cwd=self.home,
            stdout=log or subprocess.DEVNULL,
            stderr=log or subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def limit(self, cores: float) -> None:
        """The most of the processor that the machine may use from now on, in cores, such as 0.2.

        As long as all machines together have fewer cores than there are, none takes another's time.
        """
        self._group.limit(cores)

    @property
    def cpu_seconds(self) -> float:
        """Of all processes of the machine so far, ended ones included."""
        return self._group.cpu_seconds

    def pids(self) -> list[int]:
        """Of the machine's processes."""
        return self._group.pids()

    def cut_off(self) -> None:
        """Pulls the cable. Nobody gets an answer, and no connection is closed."""
        ip("link", "set", self._cable, "down")

    def plug_in(self) -> None:
        """Puts the cable back."""
        ip("link", "set", self._cable, "up")

    def slow_down(self, milliseconds: float) -> None:
        """Each frame takes so much longer, in both directions; 0: as before."""
        assert self._link is not None, "connect it by a slow cable"
        self._link.delay(milliseconds)

    def send(self, number: signal.Signals) -> None:
        """To every process of the machine."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """As if its power failed: every process, and whatever they start meanwhile."""
        deadline = time.monotonic() + 30
        while self.pids():
            self.send(signal.SIGKILL)
            if time.monotonic() > deadline:
                raise RuntimeError(f"processes of {self.name} do not end: {self.pids()}")
            time.sleep(0.02)
        for process in self._started:
            process.wait()
        self._started.clear()

    def close(self) -> None:
        self.kill()
        self._group.remove()
        if self._link is not None:
            self._link.close()
        if (NAMESPACES / self.name).exists():  # its end of the cable goes with it, and so the other end
            ip("netns", "del", self.name)
