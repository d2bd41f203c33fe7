"""`gemel visitors list|forget`."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from indexer.cli.commands import Commands, Gallery, Json, Yes, confirm
from indexer.cli.database import open_index_store
from indexer.cli.output import console, out, print_result, quantity
from indexer.cli.people.person import as_json
from indexer.cli.progress import progress_bar
from indexer.settings import Settings

app = Commands("List and forget the unknown visitors of a gallery.")

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@app.command("list")
def list_page(
    gallery: Gallery,
    limit: Annotated[int, typer.Option(min=1, help="Most visitors to list.")] = 100,
    json: Json = None,
) -> None:
    """List unknown visitors, the one who was seen last first.

    Example: `gemel visitors list --gallery door`
    """
    from indexer.records import galleries
    from indexer.records.enrolled import faces, visitors

    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        found = galleries.get(session, gallery)
        page = visitors.page(session, found.id, before=None, limit=limit)
        counts = faces.count_by_identity(session, [visitor.id for visitor in page])
        total = visitors.count(session, found.id)
    rows = [as_json(visitor) | {"faces": counts[visitor.id]} for visitor in page]
    result = {"visitors": rows, "total": total}
    print_result(result, json, lambda: _print(gallery, rows, total, remembers=found.remember_unknown))


@app.command()
def forget(
    gallery: Gallery,
    everyone: Annotated[bool, typer.Option("--all", help="Forget all visitors.")] = False,
    older_than: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Forget visitors who were not seen for so long: `30m`, `12h` or `7d`."
        ),
    ] = None,
    yes: Yes = False,
    json: Json = None,
) -> None:
    """Forget unknown visitors: delete them with their faces, crops and kept probes. People with names stay.

    Example: `gemel visitors forget --gallery door --older-than 7d`
    """
    from indexer.records import galleries
    from indexer.records.enrolled import visitors
    from indexer.visitors.forget import forget_unseen

    if everyone == (older_than is not None):
        raise typer.BadParameter("give either --all or --older-than")
    unseen = None if older_than is None else _time(older_than)
    with open_index_store(Settings()) as index_store:
        with index_store.database.reading() as session:
            found = galleries.get(session, gallery)
            total = visitors.count(session, found.id)
        if not yes:
            which = "" if unseen is None else f" who were not seen for {older_than}"
            confirm(f"{gallery} has {quantity(total, 'visitor')}. Forget all{which}?")
        with progress_bar("visitors") as bar:
            task = bar.add_task(gallery, total=None)
            forgotten = forget_unseen(
                index_store.database,
                found.id,
                unseen,
                progress=lambda done: bar.update(task, completed=done),
            )
    sentence = f"Forgot {quantity(forgotten, 'visitor')} of {gallery}."
    print_result({"forgotten": forgotten}, json, lambda: out.print(sentence, highlight=False))


def _time(text: str) -> timedelta:
    """Raises typer.BadParameter."""
    matched = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if matched is None:
        raise typer.BadParameter(f"--older-than: {text!r} is no time such as 30m, 12h or 7d.")
    return timedelta(**{_UNITS[matched[2]]: int(matched[1])})


def _print(gallery: str, rows: Sequence[dict[str, Any]], total: int, *, remembers: bool) -> None:
    if not remembers:
        out.print(
            f"{gallery} does not remember visitors: `gemel gallery set {gallery} --remember-unknown`",
            highlight=False,
            soft_wrap=True,
        )
    if not rows:
        out.print(f"{gallery} has no unknown visitors.", highlight=False)
        return
    table = Table(
        Column("Visitor", overflow="fold"),
        Column("Faces", justify="right"),
        Column("First seen", no_wrap=True),
        Column("Last seen", no_wrap=True),
    )
    for row in rows:
        table.add_row(
            str(row["id"]),
            f"{row['faces']:,}",
            *(f"{row[time].astimezone():%Y-%m-%d %H:%M}" for time in ("created_at", "last_seen_at")),
        )
    out.print(table)
    if total > len(rows):
        console.print(f"There are {total:,} visitors: raise `--limit` to list more.", highlight=False)
