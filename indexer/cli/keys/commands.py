"""`gemel keys create|list|show|limit|rotate|revoke`: API keys."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.access.galleries import PATTERN
from indexer.access.key_limits.limits import MAX_CONCURRENT, MAX_RATE, MIN_RATE, KeyLimits
from indexer.access.roles import Role
from indexer.cli.commands import Commands, Json
from indexer.cli.database import open_index_store
from indexer.cli.keys.tables import as_row, print_issued, print_key, print_list
from indexer.cli.output import escape_text, out, print_result
from indexer.settings import Settings

if TYPE_CHECKING:
    from uuid import UUID

    from indexer.records.database.session import Database

app = Commands("Create, list, show, limit, rotate and revoke API keys.")

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a duration, such as 90d, 24h, 30m or 0s.")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _pattern(text: str) -> str:
    if not re.fullmatch(PATTERN, text):
        raise typer.BadParameter(f"{text!r} is neither a gallery's name nor a prefix such as 'staff-*'.")
    return text


def _rate(text: str) -> float:
    """0 for `none`."""
    try:
        rate = 0.0 if text == "none" else float(text)
    except ValueError:
        rate = -1.0
    if rate < 0 or (rate == 0 and text != "none"):
        raise typer.BadParameter(f"{text!r} is neither a positive number nor `none`.")
    return rate


def _count(text: str) -> int:
    """0 for `none`."""
    if not re.fullmatch(r"none|[1-9]\d{0,8}", text):
        raise typer.BadParameter(f"{text!r} is neither a positive whole number nor `none`.")
    return 0 if text == "none" else int(text)


KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key's id or prefix.")]


@app.command()
def create(
    role: Annotated[list[Role], typer.Option(help="What it may do; give it again for another role.")],
    name: Annotated[
        str | None, typer.Option(help="For people: who uses it, and where.", show_default="its roles")
    ] = None,
    gallery: Annotated[
        list[str] | None,
        typer.Option(
            "--gallery",
            "-g",
            parser=_pattern,
            metavar="NAME",
            help="A gallery that it may use, or a prefix that ends in `*`; give it again for another one.",
            show_default="every gallery",
        ),
    ] = None,
    expires: Annotated[
        timedelta | None,
        typer.Option(
            parser=_duration, metavar="DURATION", help="When it ends: 90d, 12h.", show_default="never"
        ),
    ] = None,
    requests_per_second: Annotated[
        float | None, typer.Option(min=MIN_RATE, max=MAX_RATE, help="Limit of requests a second.")
    ] = None,
    faces_per_second: Annotated[
        float | None, typer.Option(min=MIN_RATE, max=MAX_RATE, help="Limit of faces a second.")
    ] = None,
    max_concurrent: Annotated[
        int | None, typer.Option(min=1, max=MAX_CONCURRENT, help="Limit of requests at once.")
    ] = None,
    json: Json = None,
) -> None:
    """Create an API key and print it. It cannot be shown again. From the first key on, every request needs
    one.

    Example: `gemel keys create --role identify --gallery staff --name "door camera"`
    """
    from indexer.access import keys

    new = keys.NewKey(
        name=" ".join(role) if name is None else name,
        roles=role,
        galleries=gallery or None,
        expires_at=None if expires is None else datetime.now(UTC) + expires,
        limits=KeyLimits(
            requests_per_second=requests_per_second,
            faces_per_second=faces_per_second,
            max_concurrent=max_concurrent,
        ),
    )
    with open_index_store(Settings()) as index_store:
        issued = keys.create(index_store.database, new, by=keys.COMMAND_LINE)
    print_result(as_row(issued.row) | {"key": issued.text}, json, lambda: print_issued(issued))


@app.command("list")
def list_all(
    every: Annotated[bool, typer.Option("--all", help="Include expired and revoked keys.")] = False,
    json: Json = None,
) -> None:
    """List API keys.

    Example: `gemel keys list`
    """
    from indexer.access import keys

    with open_index_store(Settings()) as index_store:
        rows = keys.list_visible(index_store.database, by=keys.COMMAND_LINE)
    shown = [as_row(row) for row in rows if every or keys.state(row) == "active"]
    print_result({"keys": shown}, json, lambda: print_list(shown))


@app.command()
def show(key: KeyArgument, json: Json = None) -> None:
    """Show what an API key may do, and when it was last used.

    Example: `gemel keys show 5d41402abc4b`
    """
    from indexer.access import keys

    with open_index_store(Settings()) as index_store:
        row = keys.get(index_store.database, _id(index_store.database, key), by=keys.COMMAND_LINE)
    shown = as_row(row)
    print_result(shown, json, lambda: print_key(shown))


@app.command()
def limit(
    key: KeyArgument,
    requests_per_second: Annotated[
        float | None, typer.Option(parser=_rate, metavar="RATE", help="Requests a second, or `none`.")
    ] = None,
    faces_per_second: Annotated[
        float | None, typer.Option(parser=_rate, metavar="RATE", help="Faces a second, or `none`.")
    ] = None,
    max_concurrent: Annotated[
        int | None, typer.Option(parser=_count, metavar="NUMBER", help="Requests at once, or `none`.")
    ] = None,
    json: Json = None,
) -> None:
    """Change the limits of an API key; `none` removes one. They hold within a second in every process.

    Example: `gemel keys limit 5d41402abc4b --requests-per-second 20 --max-concurrent none`
    """
    from indexer.access import keys

    requested = {
        "requests_per_second": requests_per_second,
        "faces_per_second": faces_per_second,
        "max_concurrent": max_concurrent,
    }
    changes = {name: value or None for name, value in requested.items() if value is not None}
    with open_index_store(Settings()) as index_store:
        row = keys.set_limits(
            index_store.database, _id(index_store.database, key), changes, by=keys.COMMAND_LINE
        )
    shown = as_row(row)
    print_result(shown, json, lambda: print_key(shown))


@app.command()
def rotate(
    key: KeyArgument,
    overlap: Annotated[
        timedelta,
        typer.Option(parser=_duration, metavar="DURATION", help="How long the present secret stays valid."),
    ] = "24h",  # type: ignore[assignment]
    json: Json = None,
) -> None:
    """Replace the secret of an API key, and print the new key. It cannot be shown again.

    Example: `gemel keys rotate 5d41402abc4b --overlap 1h`
    """
    from indexer.access import keys

    with open_index_store(Settings()) as index_store:
        issued = keys.rotate(
            index_store.database,
            _id(index_store.database, key),
            by=keys.COMMAND_LINE,
            overlap_seconds=overlap.total_seconds(),
        )
    print_result(as_row(issued.row) | {"key": issued.text}, json, lambda: print_issued(issued))


@app.command()
def revoke(key: KeyArgument, json: Json = None) -> None:
    """Revoke an API key. It ends within a second in every process.

    Example: `gemel keys revoke 5d41402abc4b`
    """
    from indexer.access import keys

    with open_index_store(Settings()) as index_store:
        row = keys.revoke(index_store.database, _id(index_store.database, key), by=keys.COMMAND_LINE)
    sentence = f"Key {row.prefix} ({escape_text(row.name)}) is revoked."
    print_result(as_row(row), json, lambda: out.print(sentence, highlight=False, soft_wrap=True))


def _id(database: "Database", key: str) -> "UUID":
    """Raises KeyNotFound."""
    from uuid import UUID

    from indexer.errors import KeyNotFound
    from indexer.records import api_keys

    try:
        return UUID(key)
    except ValueError:
        with database.reading() as session:
            found = api_keys.find_by_prefix(session, key.removeprefix("gemel_"))
        if found is None:
            raise KeyNotFound("there is no API key with this id or prefix") from None
        return found
