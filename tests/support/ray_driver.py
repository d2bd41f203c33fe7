"""A process that is connected to a Ray cluster: `python -m tests.support.ray_driver HOW HOST:PORT LOG`.

orphan   child of nothing, like a server that systemd has started; writes its parent's id, and every change of
         the connection, until the file LOG.stop appears
blocked  closes its connection while a thread is in a call of Ray that does not return
"""

import os
import sys
import threading
import time
from pathlib import Path

from indexer.cluster import connection
from indexer.cluster.connection import RayConnection
from indexer.settings import Settings

STATUS = 3
"""With which `blocked` ends."""


def orphan(link: RayConnection, log: Path, stop: Path) -> None:
    before = False
    while not stop.exists():
        if link.connected != before:
            before = link.connected
            write(log, f"connected, child of {os.getppid()}" if before else "lost")
        time.sleep(0.05)


def blocked(link: RayConnection, log: Path) -> None:
    import ray

    assert link.wait(60)
    write(log, "connected")
    sys.stdin.readline()
    calling = threading.Event()

    def call() -> None:
        with link.session.used():
            calling.set()
            ray.get_actor("nobody")

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    calling.wait()
    link.close()
    write(log, "blocked" if thread.is_alive() else "returned")
    sys.exit(STATUS)


def write(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(f"{line}\n")


if __name__ == "__main__":
    how, address, path = sys.argv[1:]
    if how == "orphan" and os.fork():
        os._exit(0)
    given = Settings(cluster=address)
    connection.prepare(given)
    of_process = RayConnection(given)
    if how == "blocked":
        blocked(of_process, Path(path))
    else:
        orphan(of_process, Path(path), Path(f"{path}.stop"))
        of_process.close()
        write(Path(path), "ended")
