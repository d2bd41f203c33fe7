"""Where the copies of shards are: actors of Ray, each copy of a shard on another node.

Each shard has a placement group of Ray with one bundle for each copy and the strategy STRICT_SPREAD. Ray
starts an actor again on another node when its node is gone, and moves the bundle for it. Everything has a
name with the id of the shard set, so that every process finds it and none is found by mistake.
"""

import logging
import re
from typing import Any
from uuid import UUID

import ray
from ray.actor import ActorHandle
from ray.util import (
    get_placement_group,
    list_named_actors,
    placement_group,
    placement_group_table,
    remove_placement_group,
)
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from indexer.cluster.nodes import SHARD_RESOURCE
from indexer.cluster.shards.shard import CONTROLS, SEARCHES, Shard
from indexer.embedding.card import ModelCard
from indexer.records.tables import ShardSet

log = logging.getLogger(__name__)

CONTROL = "control"
"""Concurrency group of an actor: calls in it never wait for searches."""
_remote: Any = ray.remote(concurrency_groups={CONTROL: CONTROLS})(Shard)  # type: ignore[call-overload]
_SET_NAME = re.compile(r"([0-9a-f-]{36})-shard-\d+(-copy-\d+)?")


def nodes(*, gpu: bool = False) -> int:
    """Nodes that are alive and may hold shards. `gpu`: those with a GPU."""
    needed = [SHARD_RESOURCE, *(["GPU"] if gpu else [])]
    every = ray.nodes()  # type: ignore[no-untyped-call]
    return sum(node["Alive"] and all(node["Resources"].get(one, 0) > 0 for one in needed) for node in every)


def create(shard_set: ShardSet, card: ModelCard, *, gpu: bool = False) -> None:
    """Creates what is missing of the set's groups and actors; waits for none of them.

    One process at a time: two would create two groups of the same name. `gpu`: each copy has a GPU.
    """
    for part in shard_set.parts:
        group = _group(shard_set.id, part.shard)
        if group is None:
            bundle = {SHARD_RESOURCE: 1.0} | ({"GPU": 1.0} if gpu else {})
            group = placement_group(
                [dict(bundle) for _ in range(shard_set.copies)],
                strategy="STRICT_SPREAD",
                name=_group_name(shard_set.id, part.shard),
                lifetime="detached",
            )
        for copy in range(shard_set.copies):
            _remote.options(
                name=actor_name(shard_set.id, part.shard, copy),
                get_if_exists=True,
                lifetime="detached",
                num_cpus=0,
                num_gpus=1 if gpu else 0,
                resources={SHARD_RESOURCE: 1.0},
                max_restarts=-1,
                max_task_retries=0,
                max_concurrency=SEARCHES,
                scheduling_strategy=PlacementGroupSchedulingStrategy(
                    placement_group=group, placement_group_bundle_index=copy
                ),
            ).remote(shard_set.gallery_id, card, part, shard_set.id)


def find(set_id: UUID, shard: int, copy: int) -> "ActorHandle[Shard]":
    """Raises ValueError where there is no such actor."""
    return ray.get_actor(actor_name(set_id, shard, copy))


def remove(set_id: UUID) -> None:
    """Ends all actors of the set and removes its groups."""
    for name in _actor_names(set_id):
        try:
            ray.kill(ray.get_actor(name), no_restart=True)
        except ValueError:
            continue  # it has ended meanwhile
    for name in _group_names():
        if name.startswith(str(set_id)):
            try:
                remove_placement_group(get_placement_group(name))
            except ValueError:
                continue  # of another namespace, or removed meanwhile


def actors(set_id: UUID) -> "list[ActorHandle[Shard]]":
    """Those that there are."""
    found = []
    for name in _actor_names(set_id):
        try:
            found.append(ray.get_actor(name))
        except ValueError:
            continue
    return found


def present() -> set[UUID]:
    """Ids of the sets of which there are actors or groups."""
    names = [*list_named_actors(), *_group_names()]
    return {UUID(found[1]) for name in names if (found := _SET_NAME.fullmatch(name))}


def actor_name(set_id: UUID, shard: int, copy: int) -> str:
    return f"{_group_name(set_id, shard)}-copy-{copy}"


def _group_name(set_id: UUID, shard: int) -> str:
    return f"{set_id}-shard-{shard}"


def _group(set_id: UUID, shard: int) -> Any:
    try:
        return get_placement_group(_group_name(set_id, shard))
    except ValueError:
        return None


def _actor_names(set_id: UUID) -> list[str]:
    return [name for name in list_named_actors() if name.startswith(str(set_id))]


def _group_names() -> list[str]:
    return [group["name"] for group in placement_group_table().values() if group["state"] != "REMOVED"]
