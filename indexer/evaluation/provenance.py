"""The machine, the versions and the date of a measurement: every report states them."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    made: str
    """UTC."""
    machine: str
    load: float | None
    """The load average over five minutes, of this command and all others; None where the system has none."""
    gemel: str
    python: str
    command: str
    """Without paths: they do not belong on a page that is published."""


def here(command: str) -> Provenance:
    return Provenance(
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        load=round(os.getloadavg()[1], 1) if hasattr(os, "getloadavg") else None,
        gemel=version("gemel"),
        python=platform.python_version(),
        command=command,
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()
