"""The process of one node: starts Ray's processes, watches them, and ends with them.

`python -m indexer.cluster.nodes.process OPTIONS`, which only `indexer.cluster.nodes` runs. It writes one line
of JSON to stdout: where the node is, or why it did not start. It stops on SIGTERM, and when its stdin closes:
then the process that started it is gone, even if by kill -9. If it is itself killed, the kernel kills the
raylet and the GCS by the `PR_SET_PDEATHSIG` that Ray has set, and the others end without them.

It uses Ray's class `Node`, as Ray's own tests do, and not `ray start`: only so can a node be bound to the
loopback address, and be without autoscaler and log monitor.
"""

import json
import os
import signal
import sys
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

from indexer.cluster.environment import NO_OUTER_ADDRESS, common, is_loopback
from indexer.cluster.nodes import folders
from indexer.cluster.nodes.labels import DATABASE, MEMORY, VERSION
from indexer.cluster.nodes.node import SHARD_RESOURCE, SHARDS_OF_A_NODE
from indexer.cluster.nodes.stop_request import StopRequest
from indexer.errors import Misconfigured

OBJECT_STORE_BYTES = 100_000_000
"""Shared memory for messages larger than 100 kB. The indexes are in the shards' own memory."""
CHECK_SECONDS = 0.5


def main(options: dict[str, Any], answers: int) -> int:
    """`answers`: file descriptor for the line of JSON. Returns the exit status."""
    stop = StopRequest()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    threading.Thread(target=_wait_for_end_of_stdin, args=(stop,), daemon=True).start()
    try:
        return _run(options, answers, stop)
    except Misconfigured as error:
        _answer(answers, {"code": error.code, "message": error.message})
        return 1
    except Exception as error:  # Ray raises its own errors and built-in ones; the command prints the reason
        _answer(answers, {"code": "ray", "message": str(error).strip() or type(error).__name__})
        return 1
    finally:
        folders.remove(Path(options["folder"]))


def _run(options: dict[str, Any], answers: int, stop: StopRequest) -> int:
    _set_variables(options)
    from ray._private import node as ray_node  # after the variables, which it reads once

    head = options["head"]
    if not head:
        _check(options)
    node: Any = ray_node.Node(_parameters(options), head=head, shutdown_at_exit=False)
    try:
        signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())  # Ray has set its own handler
        _answer(answers, {"address": node.address, "node_id": node.node_id})
        while not stop.wait(CHECK_SECONDS):
            if dead := [kind for kind, _ in node.dead_processes()]:
                sys.stderr.write(f"its process {dead[0]} has ended\n")
                return 1
        return 0
    finally:
        node.kill_all_processes(check_alive=False, allow_graceful=True)


def _set_variables(options: dict[str, Any]) -> None:
    common(os.environ)
    # All actors are Gemel's, in one environment. A worker process that waits for an actor takes 70 MB.
    os.environ.setdefault("RAY_enable_worker_prestart", "0")
    # Ray's default is 15: a shard on a machine with other work would answer last.
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ[NO_OUTER_ADDRESS] = "0" if is_loopback(f"{options['host']}:0") else "1"
    if options["state"] is not None:
        os.environ.setdefault("RAY_gcs_storage", "rocksdb")
        os.environ.setdefault("RAY_gcs_storage_path", options["state"])


def _parameters(options: dict[str, Any]) -> Any:
    from ray._common.utils import get_system_memory
    from ray._private.parameter import RayParams

    folder = Path(options["folder"]) / "r"
    folder.mkdir(exist_ok=True)
    parameters: dict[str, Any] = {
        "node_name": options["name"],
        "node_ip_address": options["host"],
        "temp_dir": str(folder),
        "num_cpus": 0,  # nothing but shards, which ask for none
        "resources": {SHARD_RESOURCE: SHARDS_OF_A_NODE} if options["holds_shards"] else {},
        "labels": {
            VERSION: version("gemel"),
            DATABASE: options["database"],
            MEMORY: str(get_system_memory()),  # of the container, if it has a limit
        },
        "object_store_memory": OBJECT_STORE_BYTES,
        "include_log_monitor": False,
        "dashboard_agent_listen_port": 0,
    }
    if options["head"]:
        parameters |= {"gcs_server_port": options["port"], "include_dashboard": False, "no_monitor": True}
        parameters["ray_client_server_port"] = options["client_port"]
    else:
        parameters["gcs_address"] = options["address"]
    if options["ports"] is not None:
        parameters |= _within(*options["ports"])
    return RayParams(**parameters)


def _check(options: dict[str, Any]) -> None:
    """Raises Misconfigured if the head rejects the token, or has another version or another database."""
    import ray
    from ray._common.usage.usage_lib import get_cluster_metadata
    from ray._private.utils import check_version_info

    from indexer.cluster.nodes import gcs

    address = options["address"]
    try:
        client = gcs.connect(address)
        nodes = gcs.alive_nodes(client)
    except ray.exceptions.AuthenticationError:
        raise Misconfigured(
            f"the head at {address} rejects the token: copy the token file from the head's machine"
        ) from None
    metadata = get_cluster_metadata(client)
    if metadata:
        try:
            check_version_info(metadata, "this machine")
        except RuntimeError as error:
            raise Misconfigured(f"this machine does not fit the head at {address}: {error}") from None
    ours = version("gemel")
    for node in nodes:
        theirs = node.labels.get(VERSION, ours)
        if node.is_head_node and theirs != ours:
            raise Misconfigured(f"the head at {address} runs Gemel {theirs}, and this machine has {ours}")
        database = node.labels.get(DATABASE)
        if database and options["database"] and database != options["database"]:
            raise Misconfigured(
                f"node {node.node_name} of {address} uses another database than this machine:"
                " GEMEL_DATABASE_URL must lead to the same one everywhere"
            )


def _within(first: int, last: int) -> dict[str, int]:
    fixed = (
        *("node_manager_port", "object_manager_port", "metrics_agent_port", "runtime_env_agent_port"),
        *("metrics_export_port", "dashboard_agent_listen_port"),
    )
    ports = {name: first + number for number, name in enumerate(fixed)}
    return ports | {"min_worker_port": first + len(fixed), "max_worker_port": last}


def _answer(descriptor: int, answer: dict[str, str]) -> None:
    os.write(descriptor, json.dumps(answer).encode() + b"\n")


def _wait_for_end_of_stdin(stop: StopRequest) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    # Ray's processes inherit stdout: they must not hold open what the parent reads.
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.exit(main(json.loads(sys.argv[1]), answers))
