"""The server's port. It is bound before anything else is started."""

import errno
import socket

from indexer.errors import Misconfigured

_REASONS = {
    errno.EADDRINUSE: "port {port} of {host} is in use: choose another with --port or GEMEL_PORT",
    errno.EACCES: "this account may not use port {port} of {host}: choose one from 1024 on"
    " with --port or GEMEL_PORT",
    errno.EADDRNOTAVAIL: "{host} is not an address of this machine: choose another with --host or GEMEL_HOST",
}


def bind(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet. `port` 0 chooses a free one. Raises Misconfigured."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise Misconfigured(f"there is no address {host!r}: set GEMEL_HOST to one of this machine") from error
    found.sort(key=lambda address: address[0] != socket.AF_INET)  # localhost has two: IPv4 is the usual one
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        reason = _REASONS.get(error.errno or 0, f"cannot use port {{port}} of {{host}}: {error.strerror}")
        raise Misconfigured(reason.format(host=host, port=port)) from error
    bound.set_inheritable(True)
    return bound
