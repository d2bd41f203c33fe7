"""Options that select events."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

if TYPE_CHECKING:
    from indexer.records.audit.rows import Filter


def parse_time(text: str | datetime) -> datetime:
    """Raises typer.BadParameter. Without an offset it is a local time."""
    try:
        at = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time, such as 2026-01-31 or 2026-01-31T09:30.") from None
    return at.astimezone()


def _time(help: str) -> Any:
    return typer.Option(parser=parse_time, metavar="TIME", help=help)


Since = Annotated[datetime | None, _time("Only events from this time on: 2026-01-31, or 2026-01-31T09:30.")]
Until = Annotated[datetime | None, _time("Only events before this time.")]
OfAction = Annotated[
    str | None,
    typer.Option("--action", help="Only this action: identity.deleted, or identity for all its verbs."),
]
OfGallery = Annotated[str | None, typer.Option("--gallery", "-g", help="Only events of this gallery.")]
OfCaller = Annotated[
    str | None, typer.Option("--caller", help="Only events of this caller: a name, or a key's id.")
]
OfIdentity = Annotated[
    UUID | None,
    typer.Option("--identity", help="Only events of this person, and searches that found them."),
]


def select(
    since: datetime | None,
    until: datetime | None,
    action: str | None,
    gallery: str | None,
    caller: str | None,
    identity: UUID | None,
) -> "Filter":
    from indexer.records.audit.rows import Filter

    return Filter(since=since, until=until, action=action, gallery=gallery, caller=caller, identity=identity)
