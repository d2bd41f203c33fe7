"""Processes that are connected to a Ray cluster of one node, which is also its head."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.home import wait_for
from tests.support.ray_cluster import HEAD, RayCluster
from tests.support.ray_driver import STATUS

pytestmark = pytest.mark.long
PROGRAM = [sys.executable, "-m", "tests.support.ray_driver"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    """Nothing of it needs a database."""
    with RayCluster("postgresql://127.0.0.1:9/none", tmp_path_factory.mktemp("ray"), nodes=0) as cluster:
        yield cluster


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def test_a_process_that_is_a_child_of_nothing_outlives_its_node_and_connects_again(
    cluster: RayCluster, tmp_path: Path
) -> None:
    """Ray ends a process without a word if its node is gone, and its parent is process 1."""
    log = tmp_path / "log"
    subprocess.run([*PROGRAM, "orphan", cluster.address, log], check=True, timeout=120)
    wait_for(lambda: lines(log))
    try:
        if lines(log) != ["connected, child of 1"]:
            pytest.skip("children of nothing are not children of process 1 here")

        cluster.kill(HEAD)
        cluster.start(HEAD)

        wait_for(lambda: len(lines(log)) == 3)
    finally:
        (tmp_path / "log.stop").touch()
    wait_for(lambda: lines(log)[-1] == "ended")
    assert lines(log)[1:] == ["lost", "connected, child of 1", "ended"]


def test_a_process_ends_in_order_while_a_call_of_ray_does_not_return(
    cluster: RayCluster, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with subprocess.Popen(
        [*PROGRAM, "blocked", cluster.address, log], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for(lambda: lines(log) == ["connected"])
        cluster.send(HEAD, signal.SIGSTOP)
        try:
            _, errors = process.communicate("call\n", timeout=120)
        finally:
            cluster.send(HEAD, signal.SIGCONT)

    assert lines(log)[-1] == "blocked", "the call has returned: it proves nothing"
    assert process.returncode == STATUS, errors
