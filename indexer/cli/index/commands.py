"""`gemel index ...`: indexes in server processes, in shards, and on this machine's disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import Progress, TaskID

from indexer.cli.commands import Commands, Json
from indexer.cli.database import open_index_store
from indexer.cli.index import tables as index_tables
from indexer.cli.index.reshard import reshard
from indexer.cli.output import out, print_result, quantity
from indexer.cli.progress import progress_bar
from indexer.settings import Settings
from indexer.types import Tier

if TYPE_CHECKING:
    from indexer.records.tables import Gallery
    from indexer.replica.store import IndexStore

app = Commands("Show, verify, rebuild, reshard and prune indexes.")
app.command()(reshard)

OneGallery = Annotated[
    str | None, typer.Option("--gallery", "-g", help="Only this gallery.", show_default="all")
]


@app.command()
def status(gallery: OneGallery = None, json: Json = None) -> None:
    """Show the indexes of each gallery: in server processes, in shards, and on this machine's disk.

    Example: `gemel index status`
    """
    from indexer.replica import status as index_status

    with _select(gallery) as (index_store, selected):
        rows = []
        for one in index_status.of_galleries(index_store.database, selected):
            snapshots = [
                snapshot
                for _, of_model in index_status.stores_of(index_store, [one.gallery])
                for store in index_status.with_parts(of_model, one.gallery)
                for snapshot in index_status.of_snapshots(store, one.gallery)
            ]
            rows.append(index_tables.status(one, snapshots))
    print_result(rows, json, lambda: index_tables.print_status(rows))


@app.command()
def verify(gallery: OneGallery = None, json: Json = None) -> None:
    """Compare each index with PostgreSQL, face by face. Exit with status 1 if anything differs.

    Compares the newest snapshot on this machine, and the digests that server processes have reported. Of a
    gallery with shards, each part is read and compared too, and the digests of all parts must add up.

    Example: `gemel index verify --gallery staff`
    """
    from indexer.replica import status as index_status
    from indexer.replica import verification

    with _select(gallery) as (index_store, selected):
        results = [
            (one.name, store.card.fingerprint, verification.verify(store, one))
            for one, store in index_status.stores_of(index_store, selected)
        ]

    def show() -> None:
        if not results:
            out.print("There are no galleries.")
        for result in results:
            index_tables.print_verified(*result)

    print_result([index_tables.verified(*result) for result in results], json, show)
    if not all(result.clean for _, _, result in results):
        raise SystemExit(1)


@app.command()
def rebuild(
    gallery: OneGallery = None,
    tier: Annotated[
        str | None,
        typer.Option(help="Change the tier: exact, exact-fp16, compact or gpu. auto: as the settings say."),
    ] = None,
    shard: Annotated[
        int | None,
        typer.Option(min=0, help="Only this shard of the gallery, from 0, in each process that holds it."),
    ] = None,
    json: Json = None,
) -> None:
    """Rebuild indexes in every process. Searches and enrolments continue meanwhile.

    The index is trained again and its recall measured again. Shards do it in their own processes.

    Example: `gemel index rebuild --gallery staff --tier compact`
    """
    from indexer.replica import maintenance

    if shard is not None:
        _rebuild_shard(gallery, tier, shard, json)
        return

    target: Literal["auto", "same"] | Tier = "same"
    if tier == "auto":
        target = "auto"
    elif tier is not None:
        try:
            target = Tier(tier)
        except ValueError:
            message = f"{tier!r} is not one of auto, {', '.join(Tier)}."
            raise typer.BadParameter(message, param_hint="'--tier'") from None
    _write(
        gallery,
        json,
        partial(maintenance.rebuild, tier=target),
        nothing="its shards are being rebuilt, each where it is",
    )


@app.command()
def snapshot(gallery: OneGallery = None, json: Json = None) -> None:
    """Write a snapshot of each gallery that has changed since its newest snapshot, on this machine's disk.

    Example: `gemel index snapshot`
    """
    from indexer.replica import maintenance

    _write(gallery, json, maintenance.snapshot, nothing="no changes since the newest snapshot")


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="Snapshots to keep of each gallery.")] = 1,
    log_days: Annotated[
        float, typer.Option(min=0, help="Delete changes from the log that are older than this many days.")
    ] = 7.0,
    gallery: OneGallery = None,
    json: Json = None,
) -> None:
    """Remove old and damaged snapshots, and old changes from the log.

    An index that is older than the log is rebuilt from PostgreSQL. Without `--gallery`, the snapshots of
    deleted galleries are removed too.

    Example: `gemel index prune --keep 1 --log-days 7`
    """
    from indexer.replica import maintenance
    from indexer.replica import status as index_status
    from indexer.replica.store import sweep

    snapshots: dict[str, list[str]] = {}
    changes: dict[str, int] = {}
    with _select(gallery) as (index_store, selected):
        for one in selected:
            names = snapshots[one.name] = []
            for _, of_model in index_status.stores_of(index_store, [one]):
                model = of_model.card.fingerprint
                names += sweep.remove_unused_parts(index_store.database, index_store.root, one, model)
                for store in index_status.with_parts(of_model, one):
                    names += maintenance.prune_snapshots(store, one, keep)
            changes[one.name] = maintenance.prune_log(index_store.database, one, timedelta(days=log_days))
        for orphan in [] if gallery else sweep.orphans(index_store.root, selected):
            index_store.discard(orphan)
            snapshots[str(orphan)] = ["all"]
    removed = quantity(sum(map(len, snapshots.values())), "snapshot")
    sentence = f"Removed {removed} and {quantity(sum(changes.values()), 'change')}."
    print_result({"snapshots": snapshots, "changes": changes}, json, lambda: out.print(sentence))


def _rebuild_shard(gallery: str | None, tier: str | None, shard: int, json: Path | None) -> None:
    from indexer.replica import maintenance

    if gallery is None or tier is not None:
        message = "needs --gallery, and no --tier: all shards of a gallery have one tier."
        raise typer.BadParameter(message, param_hint="'--shard'")
    with _select(gallery) as (index_store, [selected]):
        number = maintenance.rebuild_shard(index_store.of_gallery(selected), selected, shard)
    result = {"gallery": gallery, "shard": shard, "rebuild_number": number}
    sentence = f"{gallery}: shard {shard} is being rebuilt by each process that holds it."
    print_result(result, json, lambda: out.print(sentence, highlight=False, soft_wrap=True))


def _write(gallery: str | None, json: Path | None, write: Callable[..., str | None], *, nothing: str) -> None:
    """`nothing`: what is printed where `write` writes no snapshot."""
    written: dict[str, str | None] = {}
    with _select(gallery) as (index_store, selected), progress_bar("faces") as bar:
        for one in selected:
            task = bar.add_task(one.name, total=one.face_count)
            written[one.name] = write(index_store.of_gallery(one), one, progress=partial(_advance, bar, task))
            bar.update(task, total=one.face_count, completed=one.face_count)

    def show() -> None:
        if not written:
            out.print("There are no galleries.")
        for name, snapshot in written.items():
            outcome = f"wrote snapshot {snapshot}" if snapshot else nothing
            out.print(f"{name}: {outcome}", highlight=False, soft_wrap=True)

    print_result(written, json, show)


def _advance(bar: Progress, task: TaskID, faces: int) -> None:
    bar.update(task, completed=faces)


@contextmanager
def _select(gallery: str | None) -> "Iterator[tuple[IndexStore, Sequence[Gallery]]]":
    """The index store, and the gallery of this name or all galleries. Raises GalleryNotFound."""
    from indexer.records import galleries

    with open_index_store(Settings()) as index_store:
        with index_store.database.reading() as session:
            selected = [galleries.get(session, gallery)] if gallery else galleries.list_all(session)
        yield index_store, selected
