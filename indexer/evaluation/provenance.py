"""What a measurement was made with: no figure without its machine, its version and its date."""

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
    """The load average of five minutes when it was made: of this command and of all others."""
    gemel: str
    python: str
    command: str
    """Without its paths, which are nobody's business on a page that is passed on."""


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
