"""`gemel audit list|show|export|verify|anchor|prune`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.audit import tables
from indexer.cli.audit.options import OfAction, OfCaller, OfGallery, OfIdentity, Since, Until, select
from indexer.cli.commands import Commands, Json, Yes, confirm
from indexer.cli.database import open_index_store
from indexer.cli.output import STDOUT, json_line, out, print_result, quantity
from indexer.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from indexer.audit.verification import Verification

app = Commands("Read, verify, anchor and prune the audit record: who did what to whom, and when.")


@app.command("list")
def list_events(
    since: Since = None,
    until: Until = None,
    action: OfAction = None,
    gallery: OfGallery = None,
    caller: OfCaller = None,
    identity: OfIdentity = None,
    before: Annotated[int | None, typer.Option(min=1, help="Only events with lower numbers.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of events to list.")] = 50,
    json: Json = None,
) -> None:
    """List events, the newest first.

    Example: `gemel audit list --gallery staff --action identity`
    """
    from indexer.records.audit import rows

    selected = select(since, until, action, gallery, caller, identity)
    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        found = rows.newest(session, selected, before=before, limit=limit + 1)
    shown, more = found[:limit], len(found) > limit
    events, following = [row.as_json() for row in shown], shown[-1].number if more else None
    result = {"events": events, "next": following}
    print_result(result, json, lambda: tables.print_events(events, following))


@app.command()
def show(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id or number.")],
    json: Json = None,
) -> None:
    """Show an event with all its details.

    Example: `gemel audit show 4711`
    """
    from indexer.records.audit import rows

    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        row = rows.find(session, event).as_json()
    print_result(row, json, lambda: tables.print_event(row))


@app.command()
def export(
    file: Annotated[
        Path,
        typer.Argument(allow_dash=True, dir_okay=False, help="A file, which is overwritten; - for stdout."),
    ] = STDOUT,
    since: Since = None,
    until: Until = None,
    action: OfAction = None,
    gallery: OfGallery = None,
    caller: OfCaller = None,
    identity: OfIdentity = None,
) -> None:
    """Write events as JSON lines, the oldest first. The export is an event itself.

    Example: `gemel audit export events.jsonl --since 2026-01-01`
    """
    from indexer.audit import exports
    from indexer.files import atomic_write

    selected = select(since, until, action, gallery, caller, identity)
    with open_index_store(Settings()) as index_store:
        events = exports.export(index_store.database, selected)
        if file == STDOUT:
            for event in events:
                typer.echo(json_line(event))
            return
        with atomic_write(file.resolve()) as temporary, temporary.open("w", encoding="utf-8") as stream:
            written = _write(events, stream)
    out.print(f"Wrote {quantity(written, 'event')}.", highlight=False)


def _write(events: "Iterator[dict[str, object]]", stream: "TextIO") -> int:
    written = 0
    for event in events:
        stream.write(json_line(event) + "\n")
        written += 1
    return written


@app.command()
def verify(
    anchors: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Anchors that `gemel audit anchor` wrote."),
    ] = None,
    exported: Annotated[
        Path | None,
        typer.Option("--file", exists=True, dir_okay=False, help="Verify an export of all events instead."),
    ] = None,
    json: Json = None,
) -> None:
    """Verify the hash chain: find rows that were changed, removed, inserted or moved. Exit with status 1 if
    there are any.

    Example: `gemel audit verify --anchors anchors.jsonl`
    """
    from indexer.audit import anchors as stored_anchors
    from indexer.audit import exports
    from indexer.audit.verification import verify as verify_record
    from indexer.audit.verification import verify_rows

    known = [] if anchors is None else list(stored_anchors.read(anchors))
    result: Verification
    if exported is not None:
        result = verify_rows(exports.read(exported), start=None, head=None, anchors=known)
    else:
        with open_index_store(Settings()) as index_store:
            result = verify_record(index_store.database, known)
    row = tables.verified(result)
    print_result(row, json, lambda: tables.print_verified(row))
    if not result.intact:
        raise SystemExit(1)


@app.command()
def anchor(
    file: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Append the anchor to this file, as a JSON line.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Post the anchor to this address, as JSON.")
    ] = None,
    json: Json = None,
) -> None:
    """Print the number and the hash of the last row, for a place that the database's users cannot change.

    Example: `gemel audit anchor --file /mnt/worm/anchors.jsonl`
    """
    from indexer.audit import anchors

    targets = [name for name, target in (("file", file), ("webhook", webhook)) if target is not None]
    if webhook is not None:
        anchors.check_webhook(webhook)
    with open_index_store(Settings()) as index_store:
        taken = anchors.take(index_store.database, targets)
    if file is not None:
        anchors.append(taken, file)
    if webhook is not None:
        anchors.send(taken, webhook)
    row = taken.as_json()
    print_result(row, json, lambda: out.print(json_line(row), highlight=False, soft_wrap=True, markup=False))


@app.command()
def prune(
    before: Annotated[str, typer.Option(metavar="MONTH", help="Delete all months before this one: 2026-01.")],
    yes: Yes = False,
    json: Json = None,
) -> None:
    """Delete old months of the audit record. An event keeps the hash of the last deleted row.

    Example: `gemel audit prune --before 2026-01`
    """
    from indexer.audit.retention import month_of
    from indexer.audit.retention import prune as prune_record

    month = month_of(before)
    if not yes:
        confirm(f"Delete all events before {before}?")
    with open_index_store(Settings()) as index_store:
        pruned = prune_record(index_store.database, month)
    result = {"months": pruned.months, "events": pruned.rows, "last_number": pruned.last_number}
    sentence = f"Deleted {quantity(pruned.rows, 'event')} of {quantity(len(pruned.months), 'month')}."
    print_result(result, json, lambda: out.print(sentence, highlight=False))
