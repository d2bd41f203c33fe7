"""Stops and starts an embedded PostgreSQL as an administrator or a crash does."""

import os
import signal
import subprocess
from pathlib import Path

from indexer.records.embedded import processes
from indexer.records.embedded.processes import ServerProcess
from tests.support.home import wait_for


def restart(home: Path, how: str) -> None:
    """`how`: fast, immediate, killed."""
    if how == "killed":  # its users restart it
        killed = kill(home)
        wait_for(lambda: (found := running(home)) is not None and found.ready and found.pid != killed.pid)
    else:
        assert pg_ctl(home, "restart", "-m", how)


def kill(home: Path) -> ServerProcess:
    """Kills the server without any cleanup. Returns the killed server."""
    found = running(home)
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    wait_for(lambda: running(home) != found)
    return found


def running(home: Path) -> ServerProcess | None:
    return processes.find_server(home / "postgresql")


def pg_ctl(home: Path, *arguments: str) -> bool:
    """As the owner of the files, because PostgreSQL does not run as root."""
    data = home / "postgresql"
    pg_ctl = Path((data / "postmaster.opts").read_text().split()[0]).with_name("pg_ctl")
    command = [str(pg_ctl), "-w", "-D", str(data), "-l", str(data / "log"), *arguments]
    owner = data.stat()
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, user=owner.st_uid, group=owner.st_gid, check=False
    )
    return done.returncode == 0
