"""What Ray does to processes is put right."""

import os
import subprocess
import sys

from docs.scripts.packages import ROOT
from tests.integration.cluster.conftest import Sharded

STOPPED = """
import signal, sys, threading
from indexer.cluster import connection
from indexer.settings import Settings
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
settings = Settings(cluster=sys.argv[1])
connection.prepare(settings)
ray_connection = connection.RayConnection(settings)
assert ray_connection.wait(100)
signal.raise_signal(signal.SIGTERM)
assert ended.is_set()
ray_connection.close()
ended.clear()
signal.raise_signal(signal.SIGTERM)
sys.exit(0 if ended.is_set() else 3)
"""


def test_sigterm_reaches_the_handler_of_a_process_that_has_connected_and_of_one_that_has_left(
    sharded: Sharded,
) -> None:
    program = [sys.executable, "-c", STOPPED, sharded.cluster.address]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT)

    assert done.returncode == 0, done.stderr


def test_shards_have_the_priority_of_the_process_that_has_started_their_node(sharded: Sharded) -> None:
    """Ray would give them a lower one."""
    priorities = {
        process.nice()
        for number in sharded.cluster.numbers
        for process in sharded.cluster.processes(number)
        if " ".join(process.cmdline()).startswith("ray::Shard")
    }
    assert priorities == {os.getpriority(os.PRIO_PROCESS, 0)}
