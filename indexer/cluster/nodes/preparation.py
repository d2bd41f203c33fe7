"""What a machine needs before it becomes a node: Ray, a token, and the database that all nodes use."""

import importlib.util
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from indexer.errors import Misconfigured
from indexer.records.database import identity, schema
from indexer.records.database.session import Database
from indexer.records.embedded import database_url
from indexer.settings import Settings

RETRY_SECONDS = 1.0
_ELSEWHERE = "192.0.2.1"
"""An address for documentation (RFC 5737): the way to it is the default route."""


def check_installed() -> None:
    """Raises Misconfigured without Ray."""
    if importlib.util.find_spec("ray") is None:
        raise Misconfigured("the extra `cluster` is missing: run `pip install 'gemel[cluster]'`")


def check_database(settings: Settings) -> str:
    """Digest of the database, which has this version's schema; the embedded one is migrated to it.

    Raises DatabaseUnavailable, DatabaseNotMigrated, DatabaseTooNew.
    """
    database = Database(database_url(settings))
    try:
        schema.prepare(settings, database)
        return identity.digest(database)
    finally:
        database.close()


def state_folder(settings: Settings, name: str) -> Path:
    """Where a head keeps which nodes, actors and placements there are. It can be deleted while no head runs:
    PostgreSQL has all that matters, and the shards are then placed again."""
    return settings.home.expanduser().absolute() / "ray" / name


def wait_for_head(address: str, report: Callable[[str], None]) -> None:
    """Return once something listens at HOST:PORT. Raises Misconfigured."""
    host, port = split_address(address)
    reported = False
    while True:
        try:
            with socket.create_connection((host, port), timeout=5):
                return
        except OSError as error:
            if not reported:
                why = error.strerror or str(error) or "no answer"
                report(f"The head at {address} does not answer ({why}). This node starts once it does.")
                reported = True
        time.sleep(RETRY_SECONDS)


def answers(address: str) -> bool:
    """Whether something listens at HOST:PORT. Raises Misconfigured."""
    try:
        with socket.create_connection(split_address(address), timeout=5):
            return True
    except OSError:
        return False


def outer_address(head: str) -> str:
    """IP address of this machine on the way to the head, HOST:PORT; without one, on the way to elsewhere.

    Raises Misconfigured.
    """
    host, port = split_address(head) if head else (_ELSEWHERE, 9)
    with suppress(OSError):
        return _source_address(host, port)
    with suppress(OSError):  # a network without a way out, as containers may have
        address = socket.gethostbyname(socket.gethostname())
        if not address.startswith("127."):
            return address
    raise Misconfigured("cannot find this machine's address for other nodes: give it with --host")


def _source_address(host: str, port: int) -> str:
    """Sends nothing: to connect a UDP socket only looks up the route."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])


def check_port(host: str, port: int) -> None:
    """Raises Misconfigured if the head's port cannot be bound."""
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise Misconfigured(
            f"the head cannot use port {port}: {error.strerror or error}; choose another with --port"
        ) from error


def split_address(address: str) -> tuple[str, int]:
    """Host and port of HOST:PORT; an IPv6 address is in brackets. Raises Misconfigured."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise Misconfigured(f"{address!r} is not an address of a head, as in 10.0.0.5:6379")
    return host.strip("[]"), int(port)
