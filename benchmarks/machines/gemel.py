"""`gemel` on a machine, with a folder of its own and the one PostgreSQL."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.machines.machine import Machine

GEMEL = Path(sys.executable).parent / "gemel"


def start_gemel(
    machine: Machine, url: str, *arguments: str, variables: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """`gemel ARGUMENTS` with the log file that `log_of` names; one that is started later goes on in it."""
    with log_of(machine).open("ab") as log:
        return machine.start(
            GEMEL,
            *arguments,
            variables={
                "GEMEL_DATABASE_URL": url,
                "GEMEL_HOME": str(machine.home),
                # A machine here has less than one core: further threads would only wait for each other.
                "OMP_NUM_THREADS": "1",
                "GEMEL_EMBEDDER_THREADS": "1",
            }
            | dict(variables or {}),
            log=log,
        )


def log_of(machine: Machine) -> Path:
    return machine.home / "gemel.log"


def waits_for_work(machine: Machine) -> bool:
    """Whether its `gemel worker` has started."""
    log = log_of(machine)
    return log.exists() and b"waits for work" in log.read_bytes()
