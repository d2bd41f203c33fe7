"""Runs nodes in the foreground, until Ctrl-C or SIGTERM."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from indexer.cli.output import console, escape_text
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.cluster.nodes import NodeOptions
    from indexer.cluster.nodes.supervisor import Supervisor


def say(*lines: str) -> None:
    """On stderr, for people and for the log of a container."""
    for line in lines:
        console.print(escape_text(line), highlight=False, soft_wrap=True)


def run(nodes: "Sequence[NodeOptions]", environment: dict[str, str], announce: Callable[[str], None]) -> None:
    """Start the nodes, call `announce` with HOST:PORT of the head, and keep them running until a signal.

    Raises Misconfigured. No process is left in any case.
    """
    from indexer.cluster.nodes.supervisor import Supervisor

    supervisor = Supervisor(nodes, environment, say)
    try:
        announce(supervisor.start())
        with _stopping_on_signals(supervisor):
            supervisor.run()
        say("Stopping ...")
    except KeyboardInterrupt:  # while they were being started
        say("Stopping ...")
    finally:
        with _ignoring_signals():
            supervisor.close()


@contextmanager
def _stopping_on_signals(supervisor: "Supervisor") -> Iterator[None]:
    before = [
        (number, signal.signal(number, lambda *_: supervisor.stop()))
        for number in (signal.SIGINT, signal.SIGTERM)
    ]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def _ignoring_signals() -> Iterator[None]:
    """A second Ctrl-C must not leave processes behind."""
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def environment_of(settings: Settings, url: str | None) -> dict[str, str]:
    """For the processes of a node: that of this process with the cluster's token and the database's URL.

    Raises Misconfigured without a token.
    """
    from indexer.cluster import environment, token

    variables = dict(os.environ)
    token.authenticate(settings, variables)
    environment.common(variables)
    if url is not None:
        variables["GEMEL_DATABASE_URL"] = url
    return variables
