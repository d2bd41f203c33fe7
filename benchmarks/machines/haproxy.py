"""HAProxy before several servers: each request goes to the next one that is ready."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROGRAM = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")

CONFIGURATION = """
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 30s
    # A search may be repeated: what a server has not answered goes to another one.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
frontend gemel
    bind {address}:{port}
    default_backend servers
backend servers
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter 500ms fall 2 rise 1
    http-response set-header X-Server %s
{servers}
"""


@contextmanager
def haproxy(folder: Path, address: str, port: int, servers: Sequence[str]) -> Iterator[str]:
    """Its base URL. `servers`: as HOST:PORT. `X-Server` of an answer is the place of its server."""
    if PROGRAM is None:
        raise SystemExit("there is no haproxy (Debian: haproxy)")
    file = folder / "haproxy.cfg"
    lines = "\n".join(f"    server s{number} {server}" for number, server in enumerate(servers))
    file.write_text(CONFIGURATION.format(address=address, port=port, servers=lines))
    process = subprocess.Popen(
        [PROGRAM, "-db", "-f", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://{address}:{port}"
    finally:
        process.terminate()
        process.wait()
