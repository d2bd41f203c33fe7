"""`gemel index reshard`: another number of shards."""

from typing import Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.database import open_index_store
from indexer.cli.output import console, escape_text, out, print_result, quantity
from indexer.settings import Settings


def reshard(
    gallery: Annotated[str, typer.Argument(metavar="GALLERY", help="The gallery's name.")],
    shards: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=1024,
            help="Number of shards; 0: one for each node that may hold shards.",
            show_default="GEMEL_SHARDS",
        ),
    ] = None,
    copies: Annotated[
        int | None,
        typer.Option(min=1, max=8, help="Copies of each shard.", show_default="GEMEL_SHARD_COPIES"),
    ] = None,
    json: Json = None,
) -> None:
    """Divide a gallery into another number of shards, on the Ray cluster of GEMEL_CLUSTER.

    The new shards are built beside the index that serves, which needs memory for both, and verified. Then all
    servers switch to them at once. Searches and enrolments continue meanwhile. A server with GEMEL_CLUSTER
    has to run. More `--copies` than nodes are rejected. If GEMEL_SHARD_COPIES is more than the nodes, each
    shard gets one copy for each node. `gemel index status` and `gemel cluster status` show the progress.

    Example: `gemel index reshard staff --shards 8`
    """
    from indexer.cluster.nodes import preparation
    from indexer.cluster.reshard import reshard as begin
    from indexer.errors import Misconfigured
    from indexer.records import galleries

    settings = Settings()
    if not settings.cluster:
        raise Misconfigured(
            "set GEMEL_CLUSTER to the head's HOST:PORT, as for the servers: shards are on a Ray cluster"
        )
    preparation.check_installed()
    with open_index_store(settings) as store:
        with store.database.reading() as session:
            selected = galleries.get(session, gallery)
        resharding = begin(
            store.database,
            settings,
            selected,
            store.of_gallery(selected).card.fingerprint,
            shards=settings.shards if shards is None else shards,
            copies=copies,
        )
    begun, warning = resharding.shard_set, resharding.warning
    if warning is not None:
        console.print(f"Note: {escape_text(warning)}.", highlight=False, soft_wrap=True)
    value = {
        "gallery": gallery,
        "shard_set": begun.id,
        "shards": begun.shards,
        "copies": begun.copies,
        "warning": warning,
    }
    sentence = (
        f"{gallery}: {quantity(begun.shards, 'shard')}, {quantity(begun.copies, 'copy', 'copies')} of each,"
        " are being built on the Ray cluster."
    )
    print_result(value, json, lambda: out.print(sentence, highlight=False, soft_wrap=True))
