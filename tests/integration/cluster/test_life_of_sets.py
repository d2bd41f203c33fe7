"""A set of shards is built beside the one that serves, switched by one row, and stopped."""

import numpy as np
import pytest
from sqlalchemy import select, text

from indexer.cluster.shards import sets
from indexer.records import galleries, shard_sets
from indexer.records.tables import Identity
from tests.integration.cluster.conftest import Sharded, vectors_of
from tests.support.home import wait_for
from tests.support.strangers import CARD

PEOPLE = 36


def actors(sharded: Sharded) -> set[str]:
    import ray

    assert sharded.active() is not None
    return set(ray.util.list_named_actors())


def finds_everybody(sharded: Sharded, gallery: str) -> bool:
    probes = np.concatenate([vectors_of(person)[:1] for person in range(PEOPLE)])
    found = sharded.index(gallery).search_identities(probes, 1)
    return [round(row[0].face_score, 4) for row in found] == [1.0] * PEOPLE


def test_a_gallery_gets_more_shards_and_then_none_while_everybody_is_found(sharded: Sharded) -> None:
    """Resharded, shrunk, deleted: each time the actors that are no longer needed end."""
    name = "moving"
    with sharded.database.transaction() as session:
        galleries.create(session, name)
    sharded.enrol(name, PEOPLE)
    sharded.wait_for_shards(name)
    before = sharded.active(name)
    assert before is not None
    assert before.shards == 2
    assert finds_everybody(sharded, name)

    begun = sets.begin(sharded.database, sharded.gallery(name), CARD.fingerprint, shards=3, copies=1)
    answers = []

    def switched() -> bool:
        answers.append(finds_everybody(sharded, name))
        now = sharded.active(name)
        return now is not None and now.id == begun.id

    wait_for(switched)
    assert finds_everybody(sharded, name)
    assert all(answers)
    assert sharded.index(name).digest == sharded.digest_of_postgresql(name)
    wait_for(lambda: not any(one.startswith(str(before.id)) for one in actors(sharded)))
    assert finds_everybody(sharded, name)

    with sharded.database.reading() as session:
        gallery_id = sharded.gallery(name).id
        people = session.scalars(select(Identity.id).where(Identity.gallery_id == gallery_id)).all()
    for person in people[8:]:
        sharded.client.delete(f"/v1/galleries/{name}/identities/{person}").raise_for_status()
    wait_for(lambda: sharded.active(name) is None)
    wait_for(lambda: type(sharded.index(name)).__name__ == "LiveIndex")
    wait_for(lambda: not any(one.startswith(str(begun.id)) for one in actors(sharded)))


@pytest.mark.long
def test_actors_of_a_set_whose_row_is_lost_are_stopped(sharded: Sharded) -> None:
    name = "lost"
    with sharded.database.transaction() as session:
        galleries.create(session, name)
    sharded.enrol(name, PEOPLE)
    sharded.wait_for_shards(name)
    lost = sharded.active(name)
    assert lost is not None
    assert any(one.startswith(str(lost.id)) for one in actors(sharded))

    with sharded.database.transaction() as session:
        session.execute(text("DELETE FROM shard_set WHERE id = :id"), {"id": lost.id})
        galleries.remove(session, lost.gallery_id)

    wait_for(lambda: not any(one.startswith(str(lost.id)) for one in actors(sharded)))


@pytest.mark.long
def test_a_set_with_more_copies_than_nodes_gets_one_copy_for_each_node(sharded: Sharded) -> None:
    """A request for another number of shards is not lost by it."""
    name = "copied"
    with sharded.database.transaction() as session:
        galleries.create(session, name)
    sharded.enrol(name, PEOPLE)
    sharded.wait_for_shards(name)
    gallery_id = sharded.gallery(name).id

    sets.begin(sharded.database, sharded.gallery(name), CARD.fingerprint, shards=1, copies=4)

    def numbers() -> list[tuple[int, int]]:
        with sharded.database.reading() as session:
            found = shard_sets.in_use(session, [gallery_id])
        return [(one.shards, one.copies) for one in found if one.shards == 1]

    wait_for(lambda: numbers() == [(1, 3)])
    with sharded.database.transaction() as session:
        galleries.remove(session, gallery_id)
