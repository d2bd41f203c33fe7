"""Where Ray has placed the shards: `python -m benchmarks.sharding.placement ADDRESS FILE`, beside a node.

It writes the addresses of the machines with a copy of each shard, by the name of its placement group.
"""

import json
import sys
from pathlib import Path
from typing import Any

from indexer.cluster import environment
from indexer.settings import Settings


def main(address: str, file: Path) -> None:
    environment.prepare(Settings(cluster=address))
    import ray  # now, for Ray reads its variables at its import

    ray.init(address=address, log_to_driver=False)
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in nodes if node["Alive"]}
    placed = {
        group["name"]: sorted(addresses.get(node, "") for node in group["bundles_to_node_id"].values())
        for group in ray.util.placement_group_table().values()
        if group["state"] != "REMOVED"
    }
    file.write_text(json.dumps(placed), "utf-8")
    ray.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
