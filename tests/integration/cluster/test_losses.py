"""Nodes are lost while threads search: one, both copies of a shard, and all of them with the head."""

import shutil
import threading
from collections import Counter

import numpy as np
import pytest

from indexer.errors import IndexNotReady
from tests.integration.cluster.conftest import PEOPLE, Sharded, vectors_of
from tests.support.home import wait_for
from tests.support.ray_cluster import HEAD

THREADS = 4


class _Searches:
    """By several threads, one after the other."""

    def __init__(self, sharded: Sharded) -> None:
        self._sharded = sharded
        self._stop = threading.Event()
        self.outcomes: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def go_on(self, searches: int = THREADS) -> None:
        """Until there are so many more right answers."""
        before = self.outcomes["right"]
        wait_for(lambda: self.outcomes["right"] >= before + searches)

    def stop(self) -> bool:
        """Whether every search has ended, by its deadline of 10 s and in the same thread."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.outcomes[_search(self._sharded)] += 1


def test_while_a_node_is_killed_no_answer_is_wrong_and_none_in_part(sharded: Sharded) -> None:
    searches = _Searches(sharded)
    searches.go_on()
    lost, *_ = sharded.nodes_of(0)

    sharded.cluster.kill(lost)

    searches.go_on(10 * THREADS)
    sharded.cluster.start(lost)
    wait_for(lambda: [len(sharded.nodes_of(shard)) for shard in range(2)] == [2, 2])
    searches.go_on()
    assert searches.stop()
    assert set(searches.outcomes) <= {"right", "not ready"}


def test_when_both_copies_of_a_shard_are_killed_there_is_no_wrong_answer_and_soon_a_right_one(
    sharded: Sharded,
) -> None:
    """Ray may start a copy on the remaining node before the search fails."""
    lost = sharded.nodes_of(0)
    assert len(set(lost)) == 2, "each copy is on another node"
    for number in lost:
        sharded.cluster.kill(number)
    assert _search(sharded) in {"not ready", "right"}
    for number in lost:
        sharded.cluster.start(number)

    wait_for(lambda: _search(sharded) == "right")

    assert sharded.index().digest == sharded.digest_of_postgresql()


@pytest.mark.long
def test_searches_during_the_loss_of_the_whole_cluster_end_in_time_and_succeed_when_it_is_back(
    sharded: Sharded,
) -> None:
    """The head's state is lost too."""
    searches = _Searches(sharded)
    searches.go_on()

    for number in (HEAD, *sharded.cluster.running):
        sharded.cluster.kill(number)

    wait_for(lambda: "does not answer" in sharded.client.get("/readyz").json()["shards"])
    wait_for(lambda: searches.outcomes["not ready"] >= THREADS)
    shutil.rmtree(sharded.cluster.disk(HEAD) / "state")
    for number in (HEAD, *sharded.cluster.numbers):
        sharded.cluster.start(number)
    searches.go_on(10 * THREADS)
    assert searches.stop()
    assert set(searches.outcomes) == {"right", "not ready"}
    wait_for(lambda: sharded.client.get("/readyz").json()["shards"] == "ok")


def _search(sharded: Sharded) -> str:
    probes = np.concatenate([vectors_of(person)[:1] for person in range(PEOPLE)])
    try:
        found = sharded.index().search_identities(probes, 1)
    except IndexNotReady:
        return "not ready"
    except BaseException as error:  # SystemExit too, with which Ray ends threads, and servers
        return repr(error)
    return "right" if [round(row[0].face_score, 3) for row in found] == [1.0] * PEOPLE else "wrong"
