"""An embedded PostgreSQL is stopped and started, as an administrator or a crash does it."""

import os
import signal
import subprocess
from pathlib import Path

from indexer.records.embedded import processes
from indexer.records.embedded.processes import ServerProcess
from tests.support.home import wait_for


def restart(home: Path, how: str) -> None:
    """`how`: fast, immediate, killed."""
    if how == "killed":  # whoever uses it starts it again
        killed = kill(home)
        wait_for(lambda: (found := running(home)) is not None and found.ready and found.pid != killed.pid)
    else:
        assert pg_ctl(home, "restart", "-m", how)


def kill(home: Path) -> ServerProcess:
    """Not a chance to clean anything up. The one that was killed."""
    found = running(home)
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    wait_for(lambda: running(home) != found)
    return found


def running(home: Path) -> ServerProcess | None:
    return processes.find_server(home / "postgresql")


def pg_ctl(home: Path, *arguments: str) -> bool:
    """As the user to whom the files belong: PostgreSQL refuses to be run by root."""
    data = home / "postgresql"
    pg_ctl = Path((data / "postmaster.opts").read_text().split()[0]).with_name("pg_ctl")
    command = [str(pg_ctl), "-w", "-D", str(data), "-l", str(data / "log"), *arguments]
    owner = data.stat()
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, user=owner.st_uid, group=owner.st_gid, check=False
    )
    return done.returncode == 0
