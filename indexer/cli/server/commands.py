"""`gemel serve`, `gemel migrate`, `gemel models`. They import what they need when they run: see `people`."""

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
from rich.table import Column, Table
from uvicorn.config import STARTUP_FAILURE

from indexer import logs
from indexer.cli.commands import Json
from indexer.cli.output import console, out, print_result
from indexer.cli.server.port import bind
from indexer.cli.server.workers import supervise
from indexer.settings import Settings

FALLBACK_HOST = "127.0.0.1"
KEEP_ALIVE_SECONDS = 75
"""Longer than the minute for which load balancers keep a silent connection: whoever ends it first must
be the one who does not send on it."""
GRACE_SECONDS = 10
"""What requests get to end in once the server is asked to stop; a slow upload must not hold it."""
DESCRIPTORS = 256
"""Open files of a process beside its clients' connections: PostgreSQL, indexes, pipes."""
SILENCE_SECONDS = 30
"""After which a worker is taken for hung and replaced. One that imports torch from a slow disk says nothing
for longer than uvicorn's 5 seconds."""


def serve(
    host: Annotated[str | None, typer.Option(help="Instead of GEMEL_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of GEMEL_PORT; 0 takes a free one.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Instead of GEMEL_WORKERS.")] = None,
    migrate: Annotated[bool, typer.Option(help="Bring the database to this version's schema first.")] = True,
) -> None:
    """Serve the HTTP API.

    Example: `gemel serve --port 8080`
    """
    from indexer.records.database import schema
    from indexer.records.database.session import Database
    from indexer.records.embedded import database_url
    from indexer.usecases.bootstrap import connections, default_card

    settings = Settings()
    log_config = logs.config(settings.log_level, settings.log_format)
    logging.config.dictConfig(log_config)
    guarded = settings.api_key is not None
    host = _allowed_host(host or settings.host, guarded=guarded)
    port = settings.port if port is None else port
    workers = workers or settings.workers
    default_card(settings)  # a missing model is reported before anything is started, as is a port in use
    listening = bind(host, port)
    console.print("Starting PostgreSQL ..." if settings.database_url is None else "Connecting ...")
    url = database_url(settings)
    database = Database(url)
    try:
        if migrate:
            console.print(f"Database at revision {schema.migrate(database)}.")
        else:
            schema.check(database)
        database.check_connection_limit(connections(settings.model_copy(update={"workers": workers})))
    finally:
        database.close()
    # The application reads its settings anew, in this process or in workers.
    os.environ["GEMEL_DATABASE_URL"] = url
    os.environ["GEMEL_WORKERS"] = str(workers)
    _allow_descriptors(settings.max_connections)
    options: dict[str, Any] = {
        "factory": True,
        "http": "service.protocol.http1:BoundedProtocol",
        "ws": "none",
        "host": host,
        "port": port,
        "workers": workers,
        "log_level": settings.log_level,
        "log_config": log_config,
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_worker_healthcheck": SILENCE_SECONDS,
    }
    # Uvicorn ends its work and then raises the signal again, which by default would kill the process
    # on the spot, with the embedded PostgreSQL left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = listening.getsockname()[1]
    _greet(host, port, guarded=guarded)
    logging.getLogger("uvicorn.error").info(  # which uvicorn says of a socket of its own only
        "Uvicorn running on http://%s:%d (Press CTRL+C to quit)", f"[{host}]" if ":" in host else host, port
    )
    if workers > 1:
        supervise(uvicorn.Config("service.worker:create_app", **options), listening)
    else:
        server = uvicorn.Server(uvicorn.Config("service.app:create_app", **options))
        with suppress(KeyboardInterrupt):  # which it raises again once all has ended
            server.run(sockets=[listening])
        if not server.started:
            raise SystemExit(STARTUP_FAILURE)


def migrate(json: Json = None) -> None:
    """Bring the database to this version's schema.

    Example: `GEMEL_DATABASE_URL=postgresql://gemel@db/gemel gemel migrate`
    """
    from indexer.records.database import schema
    from indexer.records.database.session import Database
    from indexer.records.embedded import database_url

    database = Database(database_url(Settings()))
    try:
        revision = schema.migrate(database)
    finally:
        database.close()
    print_result({"revision": revision}, json, lambda: out.print(f"The database is at revision {revision}."))


def models(json: Json = None) -> None:
    """List the models that this version knows.

    Example: `gemel models --json`
    """
    from indexer.embedding import catalog
    from indexer.usecases.bootstrap import default_card

    active = default_card(Settings())
    known = catalog.known(active)
    rows = [model.summary() | {"active": model == active} for model in known]
    print_result({"models": rows}, json, lambda: _print_models(rows))


def _print_models(rows: list[dict[str, Any]]) -> None:
    columns = (Column(name, no_wrap=True) for name in ("Model", "Fingerprint", "Dim.", "Template"))
    table = Table(*columns, "Active")
    for row in rows:
        shown = [row[key] for key in ("name", "fingerprint", "dimension", "template", "active")]
        table.add_row(*({True: "yes", False: "no"}[v] if isinstance(v, bool) else str(v) for v in shown))
    out.print(table)


def _allow_descriptors(connections: int) -> None:
    """So many connections, and what else a process has open: the usual limit of a shell is 1,024."""
    needed = connections + DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        console.print(
            f"[yellow]The system allows {hard} open files:[/] set GEMEL_MAX_CONNECTIONS to"
            f" {max(1, hard - DESCRIPTORS)} at most, or raise the limit (`ulimit -Hn`).",
            highlight=False,
        )


def _allowed_host(host: str, *, guarded: bool) -> str:
    if guarded or _is_loopback(host):
        return host
    console.print(
        f"[yellow]No API key is set, so that only this machine may ask:[/] listening on {FALLBACK_HOST}"
        f" instead of {host}. Set GEMEL_API_KEY to listen on {host}.",
        highlight=False,
    )
    return FALLBACK_HOST


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _greet(host: str, port: int, *, guarded: bool) -> None:
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    key = " -H 'X-API-Key: ...'" if guarded else ""
    console.print(
        f"\n  The API   {base}/v1\n"
        f"  Its docs  {base}/docs\n"
        "\n  Try, with a photograph of somebody:\n"
        f'    curl{key} {base}/v1/galleries -H "Content-Type: application/json" -d \'{{"name": "staff"}}\'\n'
        f"    curl{key} {base}/v1/galleries/staff/identities -F name=Grace -F images=@grace.jpg\n"
        f"    curl{key} {base}/v1/galleries/staff/identify -F image=@party.jpg -F max_faces=10\n",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if not guarded:
        console.print("  No GEMEL_API_KEY is set: only this machine may ask.\n", highlight=False)
