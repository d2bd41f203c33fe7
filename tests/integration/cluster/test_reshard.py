"""A request for another number of shards is compared with the nodes that the head knows."""

import pytest

from indexer.cluster.reshard import reshard
from indexer.errors import InvalidRequest
from indexer.records import galleries, shard_sets
from indexer.settings import Settings
from tests.integration.cluster.conftest import Sharded
from tests.support.strangers import CARD

NAME = "planned"


def test_more_copies_than_nodes_are_rejected_or_reported_at_once(sharded: Sharded) -> None:
    """Those of the command, or those of the settings, which nodes that join later make true."""
    with sharded.database.transaction() as session:
        galleries.create(session, NAME)
    sharded.enrol(NAME, 1)
    gallery, model = sharded.gallery(NAME), CARD.fingerprint
    settings = Settings(
        home=sharded.home,
        database_url=sharded.url,
        cluster=sharded.cluster.address,
        shard_faces=1,
        shard_copies=4,
    )

    with pytest.raises(InvalidRequest, match=r"cannot be 4 copies.*hold shards: 3"):
        reshard(sharded.database, settings, gallery, model, shards=5, copies=4)
    with sharded.database.reading() as session:
        assert shard_sets.in_use(session, [gallery.id]) == []
    begun = reshard(sharded.database, settings, gallery, model, shards=5)

    assert (begun.shard_set.shards, begun.shard_set.copies) == (5, 3)
    assert begun.warning is not None
    assert "copies of each shard: 3 and not 4" in begun.warning
    assert "more shards (5) than nodes (3)" in begun.warning
