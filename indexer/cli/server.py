"""`gemel serve`, `gemel migrate`, `gemel models`. They import what they need when they run: see `people`."""

import ipaddress
import logging
import os
import signal
import sys
from typing import Annotated

import typer
import uvicorn
from rich.table import Column, Table

from indexer.cli.output import Json, console, out, print_json
from indexer.settings import Settings

FALLBACK_HOST = "127.0.0.1"
GRACE_SECONDS = 10
"""What requests get to end in once the server is asked to stop; a slow upload must not hold it."""


def serve(
    host: Annotated[str | None, typer.Option(help="Instead of GEMEL_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Instead of GEMEL_PORT; 0 takes a free one.")] = None,
    migrate: Annotated[bool, typer.Option(help="Bring the database to this version's schema first.")] = True,
) -> None:
    """Serve the HTTP API.

    Example: `gemel serve --port 8080`
    """
    from indexer.records import schema
    from indexer.records.embedded import database_url
    from indexer.records.session import Database

    settings = Settings()
    for room in ("indexer", "service"):
        logging.getLogger(room).setLevel(settings.log_level.upper())
    host = _allowed_host(host or settings.host, guarded=settings.api_key is not None)
    port = settings.port if port is None else port
    console.print("Starting PostgreSQL ..." if settings.database_url is None else "Connecting ...")
    url = database_url(settings)
    if migrate:
        database = Database(url)
        revision = schema.migrate(database)
        database.close()
        console.print(f"Database at revision {revision}.")
    # The application reads its settings anew, in this process or in workers.
    os.environ["GEMEL_DATABASE_URL"] = url
    _greet(host, port, guarded=settings.api_key is not None)
    # Uvicorn ends its work and then raises the signal again, which by default would kill the process
    # on the spot, with the embedded PostgreSQL left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        "service.app:create_app",
        factory=True,
        host=host,
        port=port,
        log_level=settings.log_level,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def migrate(json: Json = False) -> None:
    """Bring the database to this version's schema.

    Example: `GEMEL_DATABASE_URL=postgresql://gemel@db/gemel gemel migrate`
    """
    from indexer.records import schema
    from indexer.records.embedded import database_url
    from indexer.records.session import Database

    database = Database(database_url(Settings()))
    try:
        revision = schema.migrate(database)
    finally:
        database.close()
    if json:
        print_json({"revision": revision})
    else:
        out.print(f"The database is at revision {revision}.")


def models(json: Json = False) -> None:
    """List the models that this version knows.

    Example: `gemel models --json`
    """
    from indexer.embedding.card import sface

    active = sface(mirror=Settings().mirror)
    rows = [
        model.summary() | {"active": model == active} for model in (sface(mirror=True), sface(mirror=False))
    ]
    if json:
        print_json({"models": rows})
        return
    table = Table("Model", Column("Fingerprint", no_wrap=True), "Dimension", "Template", "Mirror", "Active")
    for row in rows:
        shown = [row[key] for key in ("name", "fingerprint", "dimension", "template", "mirror", "active")]
        table.add_row(*({True: "yes", False: "no"}[v] if isinstance(v, bool) else str(v) for v in shown))
    out.print(table)


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
