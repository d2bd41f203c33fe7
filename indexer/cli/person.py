"""`gemel person list|show|delete`: the people of a gallery."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.table import Column, Table

from indexer.cli.commands import Commands, Gallery, Json, Yes, confirm
from indexer.cli.database import open_index_store
from indexer.cli.output import console, escape_text, out, print_result, replace_controls
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.records.database.session import Session
    from indexer.records.tables import Face, Identity

_SHOWN = 20
"""Faces of a person in a table; all of them in JSON."""
_AT_ONCE = 10_000

app = Commands("People of a gallery (identities, to the API).")

Whom = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id, or external id.")]


@app.command("list")
def list_page(
    gallery: Gallery,
    name: Annotated[
        str | None, typer.Option(help="Only people whose name has words that begin with these.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="List so many people at most.")] = 100,
    after: Annotated[UUID | None, typer.Option(help="Start after the person with this id.")] = None,
    json: Json = None,
) -> None:
    """The people of a gallery, in the order in which they were enrolled.

    Example: `gemel person list --gallery staff --name hopper`
    """
    from indexer.records import faces, galleries, identities

    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        found = galleries.get(session, gallery)
        page = identities.page(session, found.id, after=after, limit=limit + 1, name=name)
        more = len(page) > limit
        page = page[:limit]
        counts = faces.count_by_identity(session, [identity.id for identity in page])
    rows = [_as_json(identity) | {"faces": counts[identity.id]} for identity in page]
    following = page[-1].id if more else None
    nobody = f"Nobody in {gallery} is called {name!r}." if name else f"Nobody is enrolled in {gallery}."
    print_result({"identities": rows, "next": following}, json, lambda: _print_page(rows, following, nobody))


@app.command()
def show(person: Whom, gallery: Gallery, json: Json = None) -> None:
    """A person, and every face that is enrolled of them.

    Example: `gemel person show 4711 --gallery staff`
    """
    from indexer.records import faces, galleries

    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        found = galleries.get(session, gallery)
        identity = _the_person(session, found.id, person)
        enrolled: list[Face] = []
        while page := faces.page(
            session, identity.id, after=enrolled[-1].key if enrolled else None, limit=_AT_ONCE
        ):
            enrolled += page
    row = _as_json(identity) | {"faces": [_face_as_json(face) for face in enrolled]}
    print_result(row, json, lambda: _print_person(row))


@app.command()
def delete(person: Whom, gallery: Gallery, yes: Yes = False, json: Json = None) -> None:
    """Delete a person with all their faces. There is no way back but a backup of the database.

    Example: `gemel person delete 4711 --gallery staff`
    """
    from indexer.records import faces, galleries
    from indexer.usecases.delete import remove_identity

    with open_index_store(Settings()) as index_store:
        with index_store.database.reading() as session:
            found = galleries.get(session, gallery)
            identity = _the_person(session, found.id, person)
            count = faces.count_by_identity(session, [identity.id])[identity.id]
        named = replace_controls(identity.name or identity.external_id or str(identity.id))
        if not yes:
            faces_named = "1 face" if count == 1 else f"{count} faces"
            confirm(f"Delete {named} with {faces_named}?")
        remove_identity(index_store.database, gallery, identity.id)
    told = _as_json(identity) | {"faces": count}
    print_result(
        {"deleted": told}, json, lambda: out.print(f"{escape_text(named)} is deleted.", highlight=False)
    )


def _the_person(session: "Session", gallery_id: UUID, named: str) -> "Identity":
    """By external id, else by id. Raises InvalidRequest, IdentityNotFound."""
    from indexer.errors import IdentityNotFound
    from indexer.records import identities

    identity = identities.find_by_external_id(session, gallery_id, named)
    if identity is None:
        try:
            identity = identities.get(session, gallery_id, UUID(named))
        except ValueError:
            raise IdentityNotFound(
                f"nobody in this gallery has the id or external id {named!r}", id=named
            ) from None
    return identity


def _as_json(identity: "Identity") -> dict[str, Any]:
    return {
        "id": identity.id,
        "external_id": identity.external_id,
        "name": identity.name,
        "metadata": identity.details,
        "created_at": identity.created_at,
        "updated_at": identity.updated_at,
    }


def _face_as_json(face: "Face") -> dict[str, Any]:
    return {
        "id": face.id,
        "quality": face.quality,
        "quality_components": face.quality_components,
        "box": dict(zip(("x", "y", "width", "height"), face.box, strict=True)),
        "image_sha256": bytes(face.image_sha256).hex(),
        "created_at": face.created_at,
    }


def _print_page(rows: Sequence[dict[str, Any]], following: UUID | None, nobody: str) -> None:
    if not rows:
        out.print(escape_text(nobody), highlight=False)
        return
    table = Table(
        Column("Name", overflow="fold"),
        Column("External id", overflow="fold"),
        Column("Faces", justify="right"),
        Column("Enrolled", no_wrap=True),
    )
    for row in rows:
        table.add_row(
            escape_text(row["name"] or ""),
            escape_text(row["external_id"] or f"({row['id']})"),
            f"{row['faces']:,}",
            f"{row['created_at'].astimezone():%Y-%m-%d}",
        )
    out.print(table)
    if following is not None:
        console.print(f"There are more: `--after {following}`, or a higher `--limit`.", highlight=False)


def _print_person(row: dict[str, Any]) -> None:
    for what, value in (
        ("name", row["name"] or "-"),
        ("external id", row["external_id"] or "-"),
        ("id", row["id"]),
        ("enrolled", f"{row['created_at'].astimezone():%Y-%m-%d %H:%M}"),
        ("metadata", row["metadata"] or "-"),
        ("faces", f"{len(row['faces']):,}"),
    ):
        out.print(f"{what + ':':12} {escape_text(value)}", highlight=False, soft_wrap=True)
    if row["faces"]:
        table = Table("Face", Column("Quality", justify="right"), "Box", "Enrolled")
        for face in row["faces"][:_SHOWN]:
            box = face["box"]
            table.add_row(
                str(face["id"]),
                f"{face['quality']:.0f}",
                f"{box['width']:.0f} x {box['height']:.0f}",
                f"{face['created_at'].astimezone():%Y-%m-%d}",
            )
        out.print(table)
        if len(row["faces"]) > _SHOWN:
            out.print(f"... and {len(row['faces']) - _SHOWN:,} more; --json lists all", highlight=False)
