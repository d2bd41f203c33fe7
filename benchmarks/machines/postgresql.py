"""The embedded PostgreSQL with an address on the network of machines, as a server of its own would have."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from benchmarks.machines.network import Network
from indexer.records import embedded
from indexer.records.embedded import processes
from tests.support.faults.postgresql import pg_ctl
from tests.support.home import wait_for


@contextmanager
def reachable_postgresql(home: Path, network: Network, options: Sequence[str] = ()) -> Iterator[str]:
    """Its URL for every machine, by TCP only: a socket's path may be too long. `home`: its folder, which may
    have one already. `options`: of the server, such as `fsync=off`.

    It runs in the caller's namespace: it is the one part of these experiments that no fault of a machine
    reaches.
    """
    made = make_url(embedded.start(home))
    embedded.stop(home)
    data = home / "postgresql"
    entry = f"host all all {network.subnet} trust\nhost replication all {network.subnet} trust\n"
    permissions = data / "pg_hba.conf"
    if entry not in permissions.read_text():
        permissions.write_text(permissions.read_text() + entry)
    _start(home, network, options)
    try:
        yield made.set(host=network.address, port=5432, query={}).render_as_string(hide_password=False)
    finally:
        pg_ctl(home, "stop", "-m", "immediate")


def kill_postgresql(home: Path) -> None:
    """As if its machine lost power."""
    os.kill(_pid(home), signal.SIGKILL)
    wait_for(lambda: processes.find_server(home / "postgresql") is None)


def start_again(home: Path, network: Network, options: Sequence[str] = ()) -> None:
    """After `kill_postgresql`: it replays its write-ahead log first."""
    _start(home, network, options)


def _pid(home: Path) -> int:
    return int((home / "postgresql" / "postmaster.pid").read_text().split()[0])


def _start(home: Path, network: Network, options: Sequence[str]) -> None:
    settings = [f"listen_addresses={network.address}", "unix_socket_directories=''", *options]
    if not pg_ctl(home, "start", "-o", " ".join(f"-c {setting}" for setting in settings)):
        raise RuntimeError(f"PostgreSQL does not start: {home / 'postgresql' / 'log'}")
