"""`gemel person list|show|delete`; `naming` and `regroup` have the other commands of `gemel person`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.table import Column, Table

from indexer.cli.commands import Commands, Gallery, Json, Yes, confirm
from indexer.cli.database import open_index_store
from indexer.cli.output import (
    console,
    describe_quality,
    escape_text,
    out,
    print_result,
    quantity,
    replace_controls,
)
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.records.database.session import Session
    from indexer.records.tables import Face, Identity

_SHOWN = 20
"""Most faces in a person's table. JSON has all."""
_PAGE_SIZE = 10_000

app = Commands("List, show, merge, split and delete the people of a gallery (the API's identities).")

Person = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id or external id.")]


@app.command("list")
def list_page(
    gallery: Gallery,
    name: Annotated[
        str | None, typer.Option(help="List only people whose name has words that begin with these.")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(
            help="List only people whose name, external id or metadata match: `hop 4711`,"
            " `department:computing`, `department:*`."
        ),
    ] = None,
    anonymous: Annotated[
        bool | None,
        typer.Option(
            "--anonymous/--named", help="List only people whom nobody has named, or only the others."
        ),
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="List only hidden people.")] = False,
    min_faces: Annotated[
        int, typer.Option(min=0, help="List only people with at least this many faces.")
    ] = 0,
    order: Annotated[
        str, typer.Option(help="`oldest`, `newest`, or `faces`: those with the most faces first.")
    ] = "oldest",
    limit: Annotated[int, typer.Option(min=1, help="Most people to list.")] = 100,
    after: Annotated[UUID | None, typer.Option(help="Begin after the person with this id.")] = None,
    json: Json = None,
) -> None:
    """List the people of a gallery in the order of their enrolment. Hidden people are left out.

    Examples: `gemel person list --gallery staff --name hopper`,
    `gemel person list --gallery family --anonymous --order faces`
    """
    from indexer.records import galleries
    from indexer.records.enrolled import faces, identity_lists
    from indexer.records.enrolled.identity_lists import Order, Place, Search

    if order not in list(Order):
        raise typer.BadParameter(f"--order: {order!r} is none of {', '.join(Order)}.")

    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        found = galleries.get(session, gallery)
        place = (
            None if after is None else Place(id=after, faces=faces.count_by_identity(session, [after])[after])
        )
        page = identity_lists.page(
            session,
            found.id,
            after=place,
            limit=limit + 1,
            search=Search(name=name, q=search, anonymous=anonymous, hidden=hidden, min_faces=min_faces),
            order=Order(order),
        )
        more = len(page) > limit
        page = page[:limit]
        counts = faces.count_by_identity(session, [identity.id for identity in page])
    rows = [as_json(identity) | {"faces": counts[identity.id]} for identity in page]
    last = page[-1].id if more else None
    empty = f"No person is enrolled in {gallery}."
    if anonymous is not None or hidden or min_faces:
        empty = f"{gallery} has no such people."
    if name or search:
        empty = f"No person in {gallery} matches {name or search!r}."
        if name and not search:
            empty = f"No person in {gallery} has the name {name!r}."
    print_result({"identities": rows, "next": last}, json, lambda: _print_page(rows, last, empty))


@app.command()
def show(person: Person, gallery: Gallery, json: Json = None) -> None:
    """Show a person and their enrolled faces.

    Example: `gemel person show 4711 --gallery staff`
    """
    from indexer.records import galleries
    from indexer.records.enrolled import faces

    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        found = galleries.get(session, gallery)
        identity = find_person(session, found.id, person)
        enrolled: list[Face] = []
        while page := faces.page(
            session, identity.id, after=enrolled[-1].key if enrolled else None, limit=_PAGE_SIZE
        ):
            enrolled += page
    row = as_json(identity) | {"faces": [_face_as_json(face) for face in enrolled]}
    print_result(row, json, lambda: _print_person(row))


@app.command()
def delete(person: Person, gallery: Gallery, yes: Yes = False, json: Json = None) -> None:
    """Delete a person with all their faces. Only a backup of the database can restore them.

    Example: `gemel person delete 4711 --gallery staff`
    """
    from indexer.records import galleries
    from indexer.records.enrolled import faces
    from indexer.usecases.delete import remove_identity

    with open_index_store(Settings()) as index_store:
        with index_store.database.reading() as session:
            found = galleries.get(session, gallery)
            identity = find_person(session, found.id, person)
            count = faces.count_by_identity(session, [identity.id])[identity.id]
        name = name_of(identity)
        what = f"{name} with {quantity(count, 'face')}"
        if not yes:
            confirm(f"Delete {what}?")
        remove_identity(index_store.database, gallery, identity.id)
    result = {"deleted": as_json(identity) | {"faces": count}}
    print_result(result, json, lambda: out.print(f"Deleted {escape_text(what)}.", highlight=False))


def find_person(session: "Session", gallery_id: UUID, key: str) -> "Identity":
    """The person with the external id `key`, or else with the id `key`. Raises IdentityNotFound,
    IdentityMerged."""
    from indexer.errors import IdentityNotFound
    from indexer.records.enrolled import identities

    identity = identities.find_by_external_id(session, gallery_id, key)
    if identity is None:
        try:
            identity = identities.get(session, gallery_id, UUID(key))
        except ValueError:
            raise IdentityNotFound(
                f"no person in this gallery has the id or external id {key!r}", id=key
            ) from None
    return identity


def name_of(identity: "Identity") -> str:
    return replace_controls(identity.name or identity.external_id or str(identity.id))


def as_json(identity: "Identity") -> dict[str, Any]:
    return {
        "id": identity.id,
        "external_id": identity.external_id,
        "name": identity.name,
        "metadata": identity.details,
        "anonymous": identity.anonymous,
        "hidden": identity.hidden,
        "last_seen_at": identity.last_seen_at,
        "created_at": identity.created_at,
        "updated_at": identity.updated_at,
    }


def _face_as_json(face: "Face") -> dict[str, Any]:
    from indexer.types import RECOGNISABILITY
    from indexer.vision.miss_rate import expected_miss_rate

    recognisability = face.quality_components.get(RECOGNISABILITY)
    return {
        "id": face.id,
        "quality": face.quality,
        "quality_components": face.quality_components,
        "expected_miss_rate": None if recognisability is None else expected_miss_rate(recognisability),
        "box": dict(zip(("x", "y", "width", "height"), face.box, strict=True)),
        "image_sha256": bytes(face.image_sha256).hex(),
        "created_at": face.created_at,
    }


def _print_page(rows: Sequence[dict[str, Any]], last: UUID | None, empty: str) -> None:
    if not rows:
        out.print(escape_text(empty), highlight=False)
        return
    table = Table(
        Column("Name", overflow="fold"),
        Column("External id", overflow="fold"),
        Column("Faces", justify="right"),
        Column("Enrolled", no_wrap=True),
    )
    for row in rows:
        table.add_row(
            escape_text(row["name"] or "") or ("[dim]unnamed[/dim]" if row["anonymous"] else ""),
            escape_text(row["external_id"] or f"({row['id']})"),
            f"{row['faces']:,}",
            f"{row['created_at'].astimezone():%Y-%m-%d}",
        )
    out.print(table)
    if last is not None:
        more = f"There are more people: continue with `--after {last}`, or raise `--limit`."
        console.print(more, highlight=False, soft_wrap=True)


def _print_person(row: dict[str, Any]) -> None:
    for label, value in (
        ("name", row["name"] or "-"),
        ("external id", row["external_id"] or "-"),
        ("id", row["id"]),
        ("anonymous", "yes, nobody has named them" if row["anonymous"] else None),
        ("hidden", "yes, lists leave them out" if row["hidden"] else None),
        ("last seen", row["last_seen_at"] and f"{row['last_seen_at'].astimezone():%Y-%m-%d %H:%M}"),
        ("enrolled", f"{row['created_at'].astimezone():%Y-%m-%d %H:%M}"),
        ("metadata", row["metadata"] or "-"),
        ("faces", f"{len(row['faces']):,}"),
    ):
        if value is not None:
            out.print(f"{label + ':':12} {escape_text(value)}", highlight=False, soft_wrap=True)
    if row["faces"]:
        table = Table("Face", Column("Quality", justify="right"), "Box", "Enrolled")
        for face in row["faces"][:_SHOWN]:
            box = face["box"]
            table.add_row(
                str(face["id"]),
                describe_quality(face["quality"], face["expected_miss_rate"]),
                f"{box['width']:.0f} x {box['height']:.0f}",
                f"{face['created_at'].astimezone():%Y-%m-%d}",
            )
        out.print(table)
        if len(row["faces"]) > _SHOWN:
            out.print(f"... and {len(row['faces']) - _SHOWN:,} more; `--json` lists all", highlight=False)
