"""What `gemel keys` prints."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from indexer.cli.output import escape_text, out

if TYPE_CHECKING:
    from indexer.access.keys import IssuedKey
    from indexer.records.tables import ApiKey

_FIELDS = (
    *("id", "name", "prefix", "roles", "galleries"),
    *("requests_per_second", "faces_per_second", "max_concurrent"),
    *("created_at", "expires_at", "rotated_at", "previous_expires_at", "revoked_at", "last_used_at"),
)


def as_row(row: "ApiKey") -> dict[str, Any]:
    from indexer.access.keys import state

    return {name: getattr(row, name) for name in _FIELDS} | {"state": state(row)}


def print_issued(issued: "IssuedKey") -> None:
    out.print(
        f"Key {issued.row.prefix} ({escape_text(issued.row.name)})."
        f" It cannot be shown again:\n\n  {issued.text}\n",
        highlight=False,
        soft_wrap=True,
    )
    if issued.row.previous_hash is not None and issued.row.previous_expires_at is not None:
        until = _time(issued.row.previous_expires_at)
        out.print(f"The old one is valid until {until}.", highlight=False, soft_wrap=True)


def print_list(rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print("No keys.")
        return
    table = Table(
        Column("Prefix", no_wrap=True),
        "Name",
        "Roles",
        "Galleries",
        "State",
        "Expires",
        "Last used",
        box=None,
    )
    for row in rows:
        table.add_row(
            row["prefix"],
            escape_text(row["name"]),
            ", ".join(row["roles"]),
            ", ".join(row["galleries"] or ["all"]),
            row["state"],
            _time(row["expires_at"]),
            _time(row["last_used_at"]),
        )
    out.print(table)


def print_key(row: dict[str, Any]) -> None:
    table = Table(Column(style="dim"), Column(), box=None, show_header=False)
    for name in (*_FIELDS, "state"):
        value = row[name]
        if value is None:
            text = "all" if name == "galleries" else ""
        elif isinstance(value, datetime):
            text = _time(value)
        else:
            text = (
                ", ".join(value)
                if isinstance(value, list)
                else f"{value:g}"
                if isinstance(value, float)
                else str(value)
            )
        if text:
            table.add_row(name.replace("_", " "), escape_text(text))
    out.print(table)


def _time(time: datetime | None) -> str:
    return "never" if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M")
