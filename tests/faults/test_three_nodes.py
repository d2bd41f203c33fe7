"""A gallery in three shards with two copies, on three nodes of Ray: exact, current, never in part.

At greater length than in `tests/integration/cluster`: people come, move and go all the while.
"""

import importlib.util
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from benchmarks import face_vectors
from indexer.errors import IndexNotReady
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.types import Part
from tests.support.faults.node import GALLERY, embedding
from tests.support.faults.plain_model import Note, Worker, differences
from tests.support.home import Home, wait_for
from tests.support.ray_cluster import RayCluster
from tests.support.sharded_node import ShardedNode

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra `cluster`)"
    ),
]
PEOPLE = 60
VARIABLES = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}
"""A dead node is noticed within two seconds instead of twelve."""


@pytest.fixture(scope="module")
def sharded(migrated_cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShardedNode]:
    folder = tmp_path_factory.mktemp("sharded")
    with ExitStack() as stack:
        url = stack.enter_context(Home(folder, cluster=migrated_cluster)).database_url
        database = Database(url)
        with database.transaction() as session:
            galleries.create(session, GALLERY)
        database.close()
        cluster = stack.enter_context(RayCluster(url, folder, nodes=3, variables=VARIABLES))
        node = stack.enter_context(ShardedNode(cluster, url, folder / "server"))
        for person in range(PEOPLE):
            node.node.enrol(person)
        node.wait_until_sharded()
        yield node


def test_every_first_answer_is_that_of_an_exact_scan_of_all_faces(sharded: ShardedNode) -> None:
    enrolled = sorted(sharded.node.enrolled())
    vectors = np.array([embedding(person) for person in enrolled])
    probes = face_vectors.probes(vectors, seed=1)

    found = sharded.node.identifier
    first = [found.search(GALLERY, probe.tolist(), max_candidates=1).candidates[0] for probe in probes]

    scores = probes @ vectors.T
    assert [int(str(one.owner.external_id)) for one in first] == [enrolled[i] for i in scores.argmax(axis=1)]
    assert [one.score for one in first] == pytest.approx(scores.max(axis=1).tolist(), abs=1e-5)


def test_the_digests_of_the_shards_add_up_to_that_of_postgresql(sharded: ShardedNode) -> None:
    index, verified = sharded.index(), sharded.node.verify()
    row = sharded.active_set()

    assert index.digest == verified.digest
    assert index.faces == verified.count
    assert row is not None
    assert (row.shards, row.copies) == (3, 2)
    assert row.parts == [Part(shard=shard, shards=3, block=row.block) for shard in range(3)]


def test_a_new_face_is_found_and_a_deleted_one_is_gone_at_the_first_question(sharded: ShardedNode) -> None:
    node = sharded.node
    answers = []
    for person in range(1_000, 1_020):
        node.enrol(person)
        answers.append(node.finds(person))
        node.delete(person)
        answers.append(node.finds(person))

    assert answers == [True, False] * 20


def test_while_a_node_is_killed_no_answer_is_wrong_and_none_in_part(sharded: ShardedNode) -> None:
    notes, owners = killed_while_people_come_and_go(sharded, [1])

    searches = [note for note in notes if note.kind == "search"]
    assert len(searches) > 100
    assert [note.outcome for note in notes if note.outcome.startswith("wrong")] == []
    assert set(Counter(note.outcome for note in notes)) <= {"right", IndexNotReady.code}
    assert differences(sharded.node.database, owners) == []
    assert sharded.index().digest == sharded.node.verify().digest


def test_without_any_copy_of_a_shard_searches_fail_until_there_is_one_again(sharded: ShardedNode) -> None:
    lost = sharded.nodes_of(0)
    assert len(lost) == 2, "each copy is on another node"
    for number in lost:
        sharded.cluster.kill(number)
    with pytest.raises(IndexNotReady):
        sharded.node.finds(1)
    for number in lost:
        sharded.cluster.start(number)

    wait_for(lambda: answers(sharded))

    assert [sharded.node.finds(person) for person in range(PEOPLE)] == [True] * PEOPLE
    assert sharded.index().digest == sharded.node.verify().digest


def killed_while_people_come_and_go(
    sharded: ShardedNode, numbers: list[int]
) -> tuple[list[Note], dict[int, int | None]]:
    """Kills the nodes and starts them again. Returns what workers have noted, and whose faces are whose."""
    notes: list[Note] = []
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(sharded.node, number, note=notes.append)) for number in range(2)
        ]
        work_goes_on(workers)
        for number in numbers:
            sharded.cluster.kill(number)
            work_goes_on(workers)
            sharded.cluster.start(number)
            wait_for(lambda: len(sharded.nodes_of(0)) == 2)
            work_goes_on(workers)
    return notes, {photograph: owner for worker in workers for photograph, owner in worker.owners.items()}


def work_goes_on(workers: list[Worker]) -> None:
    seen = [worker.people for worker in workers]
    wait_for(lambda: all(w.people > before + 8 for w, before in zip(workers, seen, strict=True)))


def answers(sharded: ShardedNode) -> bool:
    try:
        return sharded.node.finds(1)
    except IndexNotReady:
        return False
