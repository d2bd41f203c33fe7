"""`gemel cluster status`: the nodes of a Ray cluster."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from indexer.cli.commands import Json
from indexer.cli.output import escape_text, out, print_result
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.cluster.nodes.overview import NodeView


def status(
    address: Annotated[
        str | None,
        typer.Argument(metavar="[HOST:PORT]", help="The head.", show_default="GEMEL_CLUSTER"),
    ] = None,
    json: Json = None,
) -> None:
    """Show the nodes of the Ray cluster.

    Example: `gemel cluster status`
    """
    from indexer.cluster.nodes import overview, preparation

    settings = Settings()
    preparation.check_installed()
    head = overview.head_address(settings, address)
    nodes = overview.nodes(settings, head)
    value = {"address": head, "nodes": [asdict(node) for node in nodes]}
    print_result(value, json, lambda: _print_nodes(head, nodes))


def _print_nodes(head: str, nodes: "Sequence[NodeView]") -> None:
    table = Table("Node", "Address", "Role", "Gemel", "Memory, GB", "GPUs", title=f"Ray cluster {head}")
    for node in nodes:
        roles = [word for word, has in (("head", node.head), ("shards", node.holds_shards)) if has]
        memory = f"{node.memory_bytes / 1e9:.0f}" if node.memory_bytes else "unknown"
        version = escape_text(node.version) or "not started by Gemel"
        table.add_row(
            escape_text(node.name), node.host, ", ".join(roles), version, memory, str(node.gpus or "")
        )
    out.print(table)
