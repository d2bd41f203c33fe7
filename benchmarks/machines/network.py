"""A network of machines: a bridge in the caller's own namespace, which has the first address."""

import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.machines.iproute2 import ip
from benchmarks.machines.machine import Machine

PROGRAMS = ("ip", "nsenter")


def missing() -> str | None:
    """Why no machines can be made here, in words; None if they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"there is no program {absent[0]}"
    name = f"gm{os.getpid()}x"
    added = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if added.returncode != 0:
        return f"no network namespace can be made: {added.stderr.strip()}"
    ip("netns", "del", name)
    return None


class Network:
    """As a context manager: the machines and the bridge go at its end, with all their processes."""

    def __init__(self) -> None:
        self._number = os.getpid() % 250
        self.bridge = f"gm{self._number}"
        self.prefix = f"10.213.{self._number}"
        self.subnet = f"{self.prefix}.0/24"
        self.address = f"{self.prefix}.1"
        """Of the caller's own namespace, in which this program and its children run."""
        self.machines: list[Machine] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        ip("link", "add", self.bridge, "type", "bridge")
        self._stack.callback(ip, "link", "del", self.bridge)
        ip("address", "add", f"{self.address}/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def machine(self, home: Path, *, slow: bool = False) -> Machine:
        """One more machine, connected. `home`: its disk. `slow`: by a cable that can be made slow."""
        number = len(self.machines) + 2
        home.mkdir(parents=True, exist_ok=True)
        made = Machine(
            name=f"{self.bridge}-{number}",
            bridge=self.bridge,
            address=f"{self.prefix}.{number}",
            home=home,
        )
        self._stack.callback(made.close)
        made.connect(slow=slow)
        self.machines.append(made)
        return made
