"""`gemel index status|verify|rebuild|snapshot|prune`: indexes in the processes and on this machine's disk."""

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
from indexer.cli.output import out, print_result
from indexer.cli.progress import progress_bar
from indexer.settings import Settings
from indexer.types import Tier

if TYPE_CHECKING:
    from indexer.records.tables import Gallery
    from indexer.replica.store import IndexStore

app = Commands("Indexes: where they are, proof that they equal PostgreSQL, and rebuilding them.")

One = Annotated[str | None, typer.Option("--gallery", "-g", help="Only this one; by default all.")]


@app.command()
def status(gallery: One = None, json: Json = None) -> None:
    """The indexes of each gallery: in the processes that serve, and on this machine's disk.

    Example: `gemel index status`
    """
    from indexer.replica import status as index_status

    with _opened(gallery) as (index_store, every):
        rows = []
        for one in index_status.of_galleries(index_store.database, every):
            index_stores = [of_model for _, of_model in index_status.stores_of(index_store, [one.gallery])]
            stored = [
                found
                for of_model in index_stores
                for found in index_status.of_snapshots(of_model, one.gallery)
            ]
            rows.append(index_tables.status(one, stored))
    print_result(rows, json, lambda: index_tables.print_status(rows))


@app.command()
def verify(gallery: One = None, json: Json = None) -> None:
    """Compare each face with PostgreSQL, bit by bit; status 1 where anything differs.

    Example: `gemel index verify --gallery staff`
    """
    from indexer.replica import maintenance
    from indexer.replica import status as index_status

    with _opened(gallery) as (index_store, every):
        results = [
            (one.name, of_model.card.fingerprint, maintenance.verify(of_model, one))
            for one, of_model in index_status.stores_of(index_store, every)
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
    gallery: One = None,
    tier: Annotated[
        str | None,
        typer.Option(help="From now on: exact, exact-fp16, compact, gpu; auto leaves it to the settings."),
    ] = None,
    json: Json = None,
) -> None:
    """Make indexes anew, in every process, trained and measured anew. Searches and enrolments go on.

    Example: `gemel index rebuild --gallery staff --tier compact`
    """
    from indexer.replica import maintenance

    wanted: Literal["auto", "same"] | Tier = "same"
    if tier == "auto":
        wanted = "auto"
    elif tier is not None:
        try:
            wanted = Tier(tier)
        except ValueError:
            raise typer.BadParameter(f"{tier} is not one of auto, {', '.join(Tier)}") from None
    _write(gallery, json, partial(maintenance.rebuild, tier=wanted))


@app.command()
def snapshot(gallery: One = None, json: Json = None) -> None:
    """Write new snapshots on this machine's disk where changes have come since the newest.

    Example: `gemel index snapshot`
    """
    from indexer.replica import maintenance

    _write(gallery, json, maintenance.snapshot)


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="So many snapshots of each gallery stay.")] = 1,
    log_days: Annotated[
        float, typer.Option(min=0, help="Changes older than so many days leave the log.")
    ] = 7.0,
    gallery: One = None,
    json: Json = None,
) -> None:
    """Remove old and damaged snapshots, and old changes; an index older than the log is read anew.

    Without --gallery, what is left of deleted galleries goes too.

    Example: `gemel index prune --keep 1 --log-days 7`
    """
    from indexer.replica import maintenance
    from indexer.replica import status as index_status

    snapshots: dict[str, list[str]] = {}
    changes: dict[str, int] = {}
    with _opened(gallery) as (index_store, every):
        for one in every:
            snapshots[one.name] = [
                name
                for _, of_model in index_status.stores_of(index_store, [one])
                for name in maintenance.prune_snapshots(of_model, one, keep)
            ]
            changes[one.name] = maintenance.prune_log(index_store.database, one, timedelta(days=log_days))
        for orphan in [] if gallery else index_store.orphans(every):
            index_store.discard(orphan)
            snapshots[str(orphan)] = ["all"]
    sentence = (
        f"{sum(map(len, snapshots.values()))} snapshots and {sum(changes.values())} changes were removed."
    )
    print_result({"snapshots": snapshots, "changes": changes}, json, lambda: out.print(sentence))


def _write(gallery: str | None, json: Path | None, write: Callable[..., str | None]) -> None:
    written: dict[str, str | None] = {}
    with _opened(gallery) as (index_store, every), progress_bar() as bar:
        for one in every:
            task = bar.add_task(one.name, total=one.face_count)
            written[one.name] = write(index_store.of_gallery(one), one, progress=partial(_advance, bar, task))
            bar.update(task, total=one.face_count, completed=one.face_count)

    def show() -> None:
        for name, snapshot in written.items():
            out.print(f"{name}: {snapshot or 'nothing has changed'}", highlight=False)

    print_result(written, json, show)


def _advance(bar: Progress, task: TaskID, faces: int) -> None:
    bar.update(task, completed=faces)


@contextmanager
def _opened(gallery: str | None) -> "Iterator[tuple[IndexStore, Sequence[Gallery]]]":
    from indexer.records import galleries

    with open_index_store(Settings()) as index_store:
        with index_store.database.reading() as session:
            every = [galleries.get(session, gallery)] if gallery else galleries.list_all(session)
        yield index_store, every
