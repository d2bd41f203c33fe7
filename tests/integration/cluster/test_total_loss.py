"""The head and all nodes are lost at once, with the head's state, and the cluster is started anew."""

import shutil
import threading
from collections import Counter

import numpy as np

from indexer.errors import IndexNotReady
from tests.integration.cluster.conftest import PEOPLE, Sharded, vectors_of
from tests.support.home import wait_for
from tests.support.ray_cluster import HEAD

THREADS = 4


class _Searches:
    """By several threads, one after the other."""

    def __init__(self, sharded: Sharded) -> None:
        self._sharded = sharded
        self._probes = np.concatenate([vectors_of(person)[:1] for person in range(PEOPLE)])
        self._stop = threading.Event()
        self.outcomes: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> bool:
        """Whether every search has ended, by its deadline of 10 s and in the same thread."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.outcomes[self._search()] += 1

    def _search(self) -> str:
        try:
            found = self._sharded.index().search_identities(self._probes, 1)
        except IndexNotReady:
            return "not ready"
        except BaseException as error:  # SystemExit too, with which Ray ends threads, and servers
            return repr(error)
        return "right" if [round(row[0].face_score, 3) for row in found] == [1.0] * PEOPLE else "wrong"


def test_searches_during_the_loss_of_the_whole_cluster_end_in_time_and_succeed_when_it_is_back(
    sharded: Sharded,
) -> None:
    searches = _Searches(sharded)
    wait_for(lambda: searches.outcomes["right"] >= THREADS)

    for number in (HEAD, *sharded.cluster.running):
        sharded.cluster.kill(number)

    wait_for(lambda: "does not answer" in sharded.client.get("/readyz").json()["shards"])
    wait_for(lambda: searches.outcomes["not ready"] >= THREADS)
    shutil.rmtree(sharded.cluster.disk(HEAD) / "state")
    for number in (HEAD, *sharded.cluster.numbers):
        sharded.cluster.start(number)
    before = searches.outcomes["right"]
    wait_for(lambda: searches.outcomes["right"] >= before + 10 * THREADS)
    assert searches.stop()
    assert set(searches.outcomes) == {"right", "not ready"}
    wait_for(lambda: sharded.client.get("/readyz").json()["shards"] == "ok")
