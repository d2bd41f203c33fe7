"""`gemel cluster status`: the nodes of a Ray cluster, and the shards that they hold."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from indexer.cli.commands import Json
from indexer.cli.output import escape_text, out, print_result, quantity
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.cluster.nodes.overview import CopyView, NodeView
    from indexer.replica.status import GalleryStatus


def status(
    address: Annotated[
        str | None,
        typer.Argument(metavar="[HOST:PORT]", help="The head.", show_default="GEMEL_CLUSTER"),
    ] = None,
    json: Json = None,
) -> None:
    """Show the nodes of the Ray cluster, the sets of shards, and which node holds which copy of a shard.

    `Lag` is the number of changes that a copy lacked at its last report, which it makes each second. A search
    waits until each shard has all changes.

    Example: `gemel cluster status`
    """
    from indexer.cli.database import open_index_store
    from indexer.cluster.nodes import overview, preparation
    from indexer.records import galleries
    from indexer.replica import status as index_status

    settings = Settings()
    preparation.check_installed()
    head = overview.head_address(settings, address)
    nodes = overview.nodes(settings, head)
    copies = overview.copies(head, nodes)
    with open_index_store(settings) as store:
        with store.database.reading() as session:
            every = galleries.list_all(session)
        of_galleries = index_status.of_galleries(store.database, every)
    value = {
        "address": head,
        "nodes": [asdict(node) for node in nodes],
        "shard_sets": [one for each in of_galleries for one in _sets(each, copies, nodes)],
    }
    print_result(value, json, lambda: _show(value))


def _sets(
    status: "GalleryStatus", copies: "Sequence[CopyView]", nodes: "Sequence[NodeView]"
) -> list[dict[str, Any]]:
    """The sets of a gallery, with all copies that there should be."""
    names = {node.node_id: node.name for node in nodes}
    reports = {(process.host, process.pid, replica.shard): replica for process, replica in status.replicas}
    rows = []
    for one in status.shard_sets:
        present = {(copy.shard, copy.copy): copy for copy in copies if copy.shard_set == one.id}
        listed = []
        for shard in range(one.shards):
            for number in range(one.copies):
                copy = present.get((shard, number))
                report = reports.get((copy.hostname, copy.pid, shard)) if copy and copy.alive else None
                listed.append(
                    {
                        "shard": shard,
                        "copy": number,
                        "node": names.get(copy.node_id) if copy and copy.alive else None,
                        "pid": copy.pid if copy and copy.alive else None,
                        "state": report.state if report else "starting" if copy and copy.alive else "down",
                        "faces": report.count if report else None,
                        "applied": report.applied if report else None,
                        "lag": status.lag(report) if report else None,
                        "memory_bytes": report.memory_bytes if report else None,
                        "problem": report.problem if report else None,
                    }
                )
        rows.append(
            {
                "id": str(one.id),
                "gallery": status.gallery.name,
                "model": one.model,
                "state": one.state,
                "shards": one.shards,
                "copies": one.copies,
                "change_number": status.gallery.change_number,
                "listed": listed,
            }
        )
    return rows


def _show(value: dict[str, Any]) -> None:
    held: dict[str, list[dict[str, Any]]] = {}
    for one in value["shard_sets"]:
        for copy in one["listed"]:
            held.setdefault(copy["node"], []).append(copy)
    right = [Column(name, justify="right") for name in ("Shards", "Index, MB", "Memory, GB", "GPUs")]
    table = Table("Node", "Address", "Role", "Gemel", *right, title=f"Ray cluster {value['address']}")
    for node in value["nodes"]:
        roles = [word for word, has in (("head", node["head"]), ("shards", node["holds_shards"])) if has]
        mine = held.get(node["name"], [])
        table.add_row(
            escape_text(node["name"]),
            node["host"],
            ", ".join(roles),
            escape_text(node["version"]) or "not started by Gemel",
            str(len(mine) or ""),
            _megabytes(sum(copy["memory_bytes"] or 0 for copy in mine) or None),
            f"{node['memory_bytes'] / 1e9:.0f}" if node["memory_bytes"] else "",
            str(node["gpus"] or ""),
        )
    out.print(table)
    for one in value["shard_sets"]:
        _show_set(one)
    if not value["shard_sets"]:
        out.print("No gallery has shards.")


def _show_set(one: dict[str, Any]) -> None:
    divided = f"{quantity(one['shards'], 'shard')}, {quantity(one['copies'], 'copy', 'copies')} of each"
    right = [Column(name, justify="right") for name in ("Shard", "Faces", "Lag", "MB")]
    table = Table(
        right[0],
        *("Copy", "Node", "State"),
        *right[1:],
        title=f"{escape_text(one['gallery'])}: {divided}, {one['state']}",
    )
    for copy in one["listed"]:
        state = copy["state"]
        table.add_row(
            str(copy["shard"]),
            str(copy["copy"]),
            escape_text(copy["node"]) if copy["node"] else "",
            f"[red]{state}[/]" if state in ("down", "failed") else state,
            "" if copy["faces"] is None else f"{copy['faces']:,}",
            "" if copy["lag"] is None else str(copy["lag"]),
            _megabytes(copy["memory_bytes"]),
        )
        if copy["problem"]:
            table.add_row("", "", f"[yellow]{escape_text(copy['problem'])}[/]")
    out.print(table)


def _megabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.1f}"
