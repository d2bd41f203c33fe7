"""What `gemel audit` prints."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from indexer.cli.output import console, escape_text, out, quantity

if TYPE_CHECKING:
    from indexer.audit.verification import Verification


_WIDE = 120
"""Width in columns from which a terminal has room for ids too."""


def print_events(rows: Sequence[dict[str, Any]], following: int | None) -> None:
    if not rows:
        out.print("The audit record has no such event.")
        return
    table = Table(
        Column("Number", justify="right", no_wrap=True),
        Column("Time", no_wrap=True),
        Column("Action", no_wrap=True),
        Column("Caller", overflow="fold"),
        Column("Gallery", overflow="fold"),
    )
    wide = out.width >= _WIDE
    if wide:
        table.add_column("Identity", overflow="fold")
    for row in rows:
        cells = (
            str(row["number"]),
            f"{_local(row['at']):%Y-%m-%d %H:%M:%S}",
            escape_text(row["action"]),
            escape_text(row["caller"]),
            escape_text(row["gallery"] or ""),
            escape_text(row["identity_id"] or ""),
        )
        table.add_row(*cells if wide else cells[:-1])
    out.print(table)
    if following is not None:
        more = f"There are more events: continue with `--before {following}`, or raise `--limit`."
        console.print(more, highlight=False, soft_wrap=True)


def print_event(row: dict[str, Any]) -> None:
    fields = {**row, "at": f"{_local(row['at']):%Y-%m-%d %H:%M:%S.%f %z}"}
    details = fields.pop("details")
    for name, value in fields.items():
        label = name.replace("_", " ") + ":"
        out.print(
            f"{label:14} {escape_text('-' if value is None else value)}", highlight=False, soft_wrap=True
        )
    out.print("details:")
    out.print(json.dumps(details, indent=2), highlight=False, soft_wrap=True, markup=False)


def verified(result: "Verification") -> dict[str, Any]:
    return {
        "intact": result.intact,
        "rows": result.rows,
        "first": result.first,
        "last": result.last,
        "last_hash": result.last_hash.hex(),
        "anchors_checked": result.anchors_checked,
        "anchors_pruned": result.anchors_pruned,
        "problems": [asdict(problem) for problem in result.problems],
        "problems_total": result.problems_total,
    }


def print_verified(row: dict[str, Any]) -> None:
    for problem in row["problems"]:
        out.print(
            f"[red]row {problem['number']}: {problem['damage']}[/]: {escape_text(problem['text'])}",
            highlight=False,
            soft_wrap=True,
        )
    unlisted = row["problems_total"] - len(row["problems"])
    if unlisted:
        out.print(f"... and {quantity(unlisted, 'more problem', 'more problems')}", highlight=False)
    if row["first"] is None:
        span = "The record has no rows"
    else:
        span = f"{quantity(row['rows'], 'row')}, from {row['first']} to {row['last']}"
    against = (
        f", checked against {quantity(row['anchors_checked'], 'anchor')}" if row["anchors_checked"] else ""
    )
    pruned = f", {row['anchors_pruned']:,} older" if row["anchors_pruned"] else ""
    verdict = "[green]intact[/]" if row["intact"] else "[red]damaged[/]"
    out.print(f"{span}{against}{pruned}: {verdict}.", highlight=False, soft_wrap=True)


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()
