"""A control group of Linux: a share of the processor for a machine, and the processor time it has used."""

import contextlib
import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 10_000
"""A share is given out again so often. With the usual 100 ms, who has used up a share of a tenth would stand
still for 90 ms in the middle of an answer."""


class ControlGroup:
    """Of version 1 (controllers `cpu` and `cpuacct`) or 2, whichever the machine has."""

    def __init__(self, name: str) -> None:
        """Without a limit."""
        self._unified = (ROOT / "cgroup.controllers").exists()
        if self._unified:
            self._folders = [ROOT / name]
            (ROOT / "cgroup.subtree_control").write_text("+cpu")
        else:
            self._folders = [ROOT / controller / name for controller in ("cpu", "cpuacct")]
        for folder in self._folders:
            folder.mkdir()

    def limit(self, cores: float) -> None:
        """The most that its processes may use together from now on, in cores, such as 0.2."""
        quota = round(cores * PERIOD_US)
        if self._unified:
            (self._folders[0] / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        else:
            (self._folders[0] / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self._folders[0] / "cpu.cfs_quota_us").write_text(str(quota))

    @property
    def members(self) -> list[str]:
        """Files to which a process writes its id in order to join."""
        return [str(folder / "cgroup.procs") for folder in self._folders]

    @property
    def cpu_seconds(self) -> float:
        """Of its processes, ended ones included."""
        if self._unified:
            [line] = [
                line
                for line in (self._folders[0] / "cpu.stat").read_text().splitlines()
                if line.startswith("usage_usec")
            ]
            return int(line.split()[1]) / 1e6
        return int((self._folders[1] / "cpuacct.usage").read_text()) / 1e9

    def pids(self) -> list[int]:
        return [int(line) for line in (self._folders[0] / "cgroup.procs").read_text().split()]

    def remove(self) -> None:
        """It has no processes any more; those that were killed may take a moment."""
        deadline = time.monotonic() + 5
        for folder in self._folders:
            while folder.exists():
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
                    break
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{folder} cannot be removed")
                time.sleep(0.02)
