"""An embedded PostgreSQL is stopped and started, as an administrator or a crash does it."""

import os
import signal
import subprocess
from pathlib import Path

from tests.home import wait_for


def restart(home: Path, how: str) -> None:
    """`how`: fast, immediate, killed."""
    if how == "killed":
        os.kill(int((home / "postgresql" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        wait_for(lambda: pg_ctl(home, "restart"))
    else:
        assert pg_ctl(home, "restart", "-m", how)


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
