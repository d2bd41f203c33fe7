"""`gemel serve` and `gemel migrate`.

The engine is imported inside the commands: `--help` should not wait until its libraries are imported.
"""

import gc
import ipaddress
import logging.config
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
import uvicorn
from uvicorn.config import STARTUP_FAILURE

from indexer import logs
from indexer.callers import SERVER, current_caller
from indexer.cli.commands import Json
from indexer.cli.output import console, out, print_result, print_warning
from indexer.cli.server.port import bind
from indexer.cli.server.workers import supervise
from indexer.settings import Settings
from indexer.tls import server_context

PROTOCOL = "service.protocol.http1:BoundedProtocol"
TLS_PROTOCOL = "service.protocol.tls:TlsProtocol"
FALLBACK_HOST = "127.0.0.1"
KEEP_ALIVE_SECONDS = 75
"""Longer than the minute for which load balancers keep an idle connection. Otherwise a load balancer could
send a request on a connection that the server is closing."""
GRACE_SECONDS = 10
"""Time for requests to finish once the server stops. A slow upload must not delay the stop."""
DESCRIPTORS = 256
"""Open files of a process apart from client connections: PostgreSQL, indexes, pipes."""
SILENCE_SECONDS = 30
"""A worker that does not answer for so long is considered hung and replaced. Uvicorn's default of 5 seconds
is too short for a worker that imports its libraries from a slow disk."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="GEMEL_HOST")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0 chooses a free one.", show_default="GEMEL_PORT"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Server processes.", show_default="GEMEL_WORKERS")
    ] = None,
    migrate: Annotated[
        bool, typer.Option(help="Migrate the database to this version's schema first.")
    ] = True,
) -> None:
    """Serve the HTTP API.

    Example: `gemel serve --port 8080`
    """
    gc.disable()  # as in `service.worker`
    from indexer.cli.server.recommendation import recommendation
    from indexer.records import api_keys, galleries
    from indexer.records.database import schema
    from indexer.records.database.session import Database
    from indexer.records.embedded import database_url
    from indexer.usecases.bootstrap import check_weights, connections, default_card

    gc.enable()
    current_caller.set(SERVER)  # requests and threads of the server are not the command's
    settings = Settings()
    log_config = logs.config(settings.log_level, settings.log_format)
    logging.config.dictConfig(log_config)
    guarded = settings.api_key is not None
    host = host or settings.host
    port = settings.port if port is None else port
    workers = workers or settings.workers
    card = default_card(settings)
    if settings.tls_cert is not None:
        server_context(settings.tls_cert, settings.tls_key)
    check_weights(
        card, settings
    )  # a missing model is reported before anything is started, as is a port in use
    listening = bind(host, port) if guarded or _is_loopback(host) else None
    console.print(
        "Starting PostgreSQL ..." if settings.database_url is None else "Connecting to PostgreSQL ..."
    )
    url = database_url(settings)
    database = Database(url)
    try:
        if migrate:
            console.print(f"Database at revision {schema.migrate(database)}.")
        else:
            schema.check(database)
        database.check_connection_limit(connections(settings.model_copy(update={"workers": workers})))
        with database.reading() as session:
            nobody_enrolled = galleries.totals(session).faces == 0
            guarded = guarded or api_keys.any_exists(session)
    finally:
        database.close()
    if listening is None:  # the keys are in the database
        host = _allowed_host(host, guarded=guarded)
        listening = bind(host, port)
    # The application reads its settings again, in this process or in workers.
    os.environ["GEMEL_DATABASE_URL"] = url
    os.environ["GEMEL_REINDEX_WORKER"] = "on" if settings.works_on_reindexes else "off"
    os.environ["GEMEL_WORKERS"] = str(workers)
    _allow_descriptors(settings.max_connections)
    options: dict[str, Any] = {
        "factory": True,
        "http": TLS_PROTOCOL if settings.tls_cert else PROTOCOL,
        # uvloop reads from a connection that `TlsProtocol` has paused: bytes of a handshake would be lost
        "loop": "asyncio" if settings.tls_cert else "auto",
        "ws": "none",
        "proxy_headers": False,  # `service.middleware.forwarded` reads them, from the proxies of the settings
        "host": host,
        "port": port,
        "workers": workers,
        "log_level": settings.log_level,
        "log_config": log_config,
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_worker_healthcheck": SILENCE_SECONDS,
    }
    # Uvicorn shuts down and then raises the signal again. The default handler would end the process at once
    # and leave the embedded PostgreSQL running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = listening.getsockname()[1]
    base = f"{'https' if settings.tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    _print_addresses(base, guarded=guarded, has_console=settings.console == "on")
    if nobody_enrolled and (line := recommendation(settings, card)):
        console.print(f"  {line}\n", highlight=False, markup=False, soft_wrap=True)
    logging.getLogger("uvicorn.error").info(  # uvicorn logs this only for a socket that it opened itself
        "Uvicorn running on %s (Press CTRL+C to quit)", base
    )
    if workers > 1:
        supervise(uvicorn.Config("service.worker:create_app", **options), listening)
    else:
        server = uvicorn.Server(uvicorn.Config("service.worker:create_app", **options))
        with suppress(KeyboardInterrupt):  # uvicorn raises it again after its shutdown
            server.run(sockets=[listening])
        if not server.started:
            raise SystemExit(STARTUP_FAILURE)


def migrate(
    server_role: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE",
            help="Grant this role what servers need, without the right to change or delete events of the"
            " audit record.",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Migrate the database to this version's schema.

    Example: `GEMEL_DATABASE_URL=postgresql://gemel@db/gemel gemel migrate`
    """
    from indexer.records.database import schema
    from indexer.records.database.session import Database
    from indexer.records.embedded import database_url

    database = Database(database_url(Settings()))
    try:
        revision = schema.migrate(database)
        if server_role is not None:
            schema.grant(database, server_role)
    finally:
        database.close()
    print_result({"revision": revision}, json, lambda: out.print(f"The database is at revision {revision}."))


def _allow_descriptors(connections: int) -> None:
    """Raise the limit of open files for so many client connections. A shell's usual limit is 1,024."""
    needed = connections + DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        print_warning(
            f"the system allows {hard} open files: set GEMEL_MAX_CONNECTIONS to"
            f" {max(1, hard - DESCRIPTORS)} at most, or raise the limit (`ulimit -Hn`)"
        )


def _allowed_host(host: str, *, guarded: bool) -> str:
    """`host`, or the loopback address if there is no API key and `host` is reachable from other machines."""
    if guarded or _is_loopback(host):
        return host
    print_warning(
        f"listening on {FALLBACK_HOST} instead of {host}, because there is no API key:"
        f" create one with `gemel keys create --role admin`, or set GEMEL_API_KEY, to listen on {host}"
    )
    return FALLBACK_HOST


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _print_addresses(base: str, *, guarded: bool, has_console: bool) -> None:
    key = " -H 'X-API-Key: ...'" if guarded else ""
    pages = f"  Web pages      {base}/\n" if has_console else ""
    console.print(
        f"\n{pages}"
        f"  API            {base}/v1\n"
        f"  Documentation  {base}/docs\n"
        "\n  Try it with photographs of a person:\n"
        f'    curl{key} {base}/v1/galleries -H "Content-Type: application/json" -d \'{{"name": "staff"}}\'\n'
        f"    curl{key} {base}/v1/galleries/staff/identities -F name=Grace -F images=@grace.jpg\n"
        f"    curl{key} {base}/v1/galleries/staff/identify -F image=@party.jpg -F max_faces=10\n",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if not guarded:
        console.print("  There is no API key: only this machine can connect.\n", highlight=False)
