"""Runs nodes in the foreground, until Ctrl-C or SIGTERM."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from indexer.cli.output import console, escape_text
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.cluster.nodes import NodeOptions
    from indexer.cluster.nodes.supervisor import Supervisor


SIGNALLED = 128
"""A program that a signal has ended counts as one with this exit status plus the signal's number."""


def say(*lines: str) -> None:
    """On stderr, for people and for the log of a container."""
    for line in lines:
        console.print(escape_text(line), highlight=False, soft_wrap=True)


def run(
    nodes: "Sequence[NodeOptions]",
    environment: dict[str, str],
    announce: Callable[[str], None],
    command: Sequence[str] = (),
) -> int:
    """Start the nodes, call `announce` with HOST:PORT of the head, and keep them running until a signal.

    `command`: a program that runs beside them, with `GEMEL_CLUSTER` set. Its end is also theirs. Returns the
    exit status: that of a program that has ended by itself, otherwise 0. Raises Misconfigured, OSError. No
    process is left in any case.
    """
    from indexer.cluster.nodes.supervisor import Supervisor

    supervisor = Supervisor(nodes, environment, say)
    status: int | None = None
    try:
        address = supervisor.start()
        announce(address)
        with _beside(command, environment | {"GEMEL_CLUSTER": address}) as poll:
            with _stopping_on_signals(supervisor):
                supervisor.run(lambda: poll() is not None)
            status = poll()
            say("Stopping ...")
    except KeyboardInterrupt:  # while they were being started
        say("Stopping ...")
    finally:
        with _ignoring_signals():
            supervisor.close()
    return SIGNALLED - status if status is not None and status < 0 else status or 0


@contextmanager
def _beside(command: Sequence[str], environment: dict[str, str]) -> Iterator[Callable[[], int | None]]:
    """Runs the program during the block. Yields a function for its exit status, None while it runs."""
    if not command:
        yield lambda: None
        return
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - the operator's own command
    try:
        yield process.poll
    finally:
        with _ignoring_signals(), suppress(ProcessLookupError):
            process.terminate()
            process.wait()


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
