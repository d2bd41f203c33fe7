"""`gemel cluster join`: this machine becomes a node, or the head, of a Ray cluster."""

import os
import re
import signal
import socket
from typing import Annotated

import typer

from indexer.cli.cluster.running import environment_of, run, say
from indexer.errors import Misconfigured
from indexer.settings import Settings

_ADDRESS = re.compile(r"\S+:\d+")
LEAST_PORTS = 20
"""Six of a node, and one for each copy of a shard."""


def _check_ports(text: str | None) -> str | None:
    """Raises typer.BadParameter."""
    if text is not None:
        match = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text)
        first, last = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1024 <= first <= last < 65536 or last - first + 1 < LEAST_PORTS:
            raise typer.BadParameter(f"give {LEAST_PORTS} or more ports from 1024 to 65535, as 20000-20099")
    return text


def join(
    address: Annotated[
        str | None,
        typer.Argument(metavar="[HOST:PORT]", help="The head.", show_default="GEMEL_CLUSTER"),
    ] = None,
    head: Annotated[bool, typer.Option("--head", help="Become the head of a new Ray cluster.")] = False,
    shards: Annotated[
        bool | None,
        typer.Option(
            "--shards/--no-shards",
            help="Whether this machine holds shards. `--no-shards` is for one that only runs `gemel serve`.",
            show_default="a head holds none",
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address of this machine that the others reach.",
            show_default="the address on the route to the head",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1024, max=65535, help="With `--head`: port that the others connect to.")
    ] = 6379,
    ports: Annotated[
        str | None,
        typer.Option(
            metavar="FIRST-LAST",
            callback=_check_ports,
            help="All other ports that this node listens on, for a firewall.",
            show_default="free ones",
        ),
    ] = None,
    client_port: Annotated[
        int | None,
        typer.Option(
            min=1024,
            max=65535,
            help="With `--head`: port for servers without a node, `GEMEL_CLUSTER=ray://HOST:PORT`; 10001 is"
            " usual.",
            show_default="none",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the node in lists.", show_default="the host name")
    ] = None,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- COMMAND...]",
            help="A program to run beside the node, with GEMEL_CLUSTER set: `-- gemel serve`. Both end"
            " together.",
        ),
    ] = None,
) -> None:
    """Make this machine a node of a Ray cluster, or its head. It runs until Ctrl-C or SIGTERM.

    Start `--head` on one machine, copy the token file that it names to the other machines, and start the
    nodes. Each needs the same GEMEL_DATABASE_URL. A node waits for its head, and joins again after the head
    was away.

    A server needs a node on its own machine, or in its container, unless the head has a `--client-port`.
    `gemel cluster join HOST:PORT --no-shards -- gemel serve` runs both.

    Who has the token and reaches the ports may run programs on every node: keep the ports in a private
    network.

    Example: `gemel cluster join 10.0.0.5:6379`
    """
    from indexer.cluster import token
    from indexer.cluster.nodes import NodeOptions, preparation

    settings = Settings()
    preparation.check_installed()
    command = command or []
    if head and address is not None:  # the first word after `--`
        command, address = [address, *command], None
        if _ADDRESS.fullmatch(command[0]):
            raise typer.BadParameter("give either the head's address or --head.")
    if not head and client_port is not None:
        raise typer.BadParameter("--client-port is for a head.")
    address = "" if head else address or settings.cluster
    if not head:
        preparation.split_address(address)
    holds_shards = not head if shards is None else shards
    digest = _check_database(settings) if holds_shards or settings.database_url is not None else ""
    if head:
        preparation.check_port(host or "", port)
        token.create(settings, os.environ)
    environment = environment_of(settings, None)
    if not head:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            preparation.wait_for_head(address, say)
        except KeyboardInterrupt:
            raise SystemExit(0) from None
    redis = environment.get("RAY_REDIS_ADDRESS")  # Ray keeps the state there
    options = NodeOptions(
        name=name or socket.gethostname(),
        host=host or preparation.outer_address(address),
        head=head,
        address=address,
        port=port,
        client_port=client_port,
        holds_shards=holds_shards,
        ports=None if ports is None else _two(ports),
        state=preparation.state_folder(settings, "head") if head and not redis else None,
        database=digest,
    )

    def announce(reached: str) -> None:
        if not head:
            say(f"Joined the Ray cluster at {reached}. Ctrl-C leaves it.")
            return
        say(
            "",
            f"The head runs at {reached}.",
            f"  Token  {environment.get(token.PATH) or token.TOKEN}",
            "",
            "  On each machine that is to hold shards, with this token in GEMEL_HOME/ray/token or where",
            f"  {token.PATH} says, and with GEMEL_DATABASE_URL:",
            f"    gemel cluster join {reached}",
            "",
        )

    raise SystemExit(run([options], environment, announce, command))


def _check_database(settings: Settings) -> str:
    from indexer.cluster.nodes import preparation

    if settings.database_url is None:
        raise Misconfigured(
            "set GEMEL_DATABASE_URL: all machines of a Ray cluster use one PostgreSQL, and the embedded one"
            " can be reached from its own machine only"
        )
    return preparation.check_database(settings)


def _two(ports: str) -> tuple[int, int]:
    first, last = ports.split("-")
    return int(first), int(last)
