"""`gemel cluster up`: a Ray cluster of several nodes on this machine."""

import os
import shlex
import shutil
from typing import Annotated

import typer

from indexer.cli.cluster.running import environment_of, run, say
from indexer.cli.output import quantity
from indexer.settings import Settings


def up(
    shards: Annotated[int, typer.Option(min=1, max=64, help="Nodes that hold shards, beside the head.")] = 2,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the head; 0 chooses a free one.")
    ] = 6379,
) -> None:
    """Run a Ray cluster on this machine: a head, and nodes that hold shards of large galleries.

    It is for trials and tests, where one machine takes the place of several; a search in shards is slower
    there than without them. It runs until Ctrl-C, and its nodes can be reached from this machine only. A node
    that stops is started again.

    Example: `gemel cluster up --shards 2`
    """
    from indexer.cluster import token
    from indexer.cluster.environment import LOOPBACK
    from indexer.cluster.nodes import NodeOptions, preparation
    from indexer.records.embedded import database_url

    settings = Settings()
    preparation.check_installed()
    preparation.check_port(LOOPBACK, port)
    digest = preparation.check_database(settings)
    token.create(settings, os.environ)
    environment = environment_of(settings, database_url(settings))
    state = preparation.state_folder(settings, "up")
    shutil.rmtree(state, ignore_errors=True)  # each time it is a new cluster
    head = NodeOptions(
        name="head",
        host=LOOPBACK,
        head=True,
        port=port,
        holds_shards=False,
        state=state,
        database=digest,
    )
    names = [f"node-{number}" for number in range(1, shards + 1)]
    nodes = [head, *(NodeOptions(name=name, host=LOOPBACK, database=digest) for name in names)]

    def announce(address: str) -> None:
        say(
            "",
            f"The Ray cluster runs at {address}, with {quantity(shards, 'node')} for shards.",
            f"  Token     {environment.get(token.PATH) or token.TOKEN}",
            f"  Database  {'that of GEMEL_DATABASE_URL' if settings.database_url else 'the embedded one'}",
            "",
            "  In another terminal, a server with shards for galleries from 1,000 faces on:",
            f"    {_home(settings)}GEMEL_CLUSTER={address} GEMEL_SHARD_FACES=1000 gemel serve",
            f"    {_home(settings)}GEMEL_CLUSTER={address} gemel cluster status",
            "",
            "  Ctrl-C stops all nodes.",
            "",
        )

    say(f"Starting a head and {quantity(shards, 'node')} ...")
    raise SystemExit(run(nodes, environment, announce))


def _home(settings: Settings) -> str:
    """For a command in another terminal."""
    given = "home" in settings.model_fields_set
    return f"GEMEL_HOME={shlex.quote(str(settings.home.expanduser().absolute()))} " if given else ""
