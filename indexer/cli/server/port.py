"""The port that is served, taken before anything is started for it."""

import errno
import socket

from indexer.errors import Misconfigured

_HINTS = {
    errno.EADDRINUSE: "is in use: end what listens there, or choose another with --port or GEMEL_PORT",
    errno.EACCES: "may not be used by this account: choose one from 1024 on, with --port or GEMEL_PORT",
    errno.EADDRNOTAVAIL: "is no address of this machine: choose another with --host or GEMEL_HOST",
}


def bind(host: str, port: int) -> socket.socket:
    """A socket that does not listen yet; `port` 0 takes a free one. Raises Misconfigured."""
    place = f"port {port} of {host}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise Misconfigured(f"there is no address {host!r}: set GEMEL_HOST to one of this machine") from error
    found.sort(key=lambda address: address[0] != socket.AF_INET)  # of localhost's two the usual one
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise Misconfigured(f"{place} {_HINTS.get(error.errno or 0, error.strerror)}") from error
    bound.set_inheritable(True)
    return bound
