"""`gemel person merge|split|move|undo`."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from indexer.cli.commands import Gallery, Json
from indexer.cli.database import open_index_store
from indexer.cli.output import escape_text, out, print_result, quantity
from indexer.cli.people.person import Person, find_person, name_of
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.records.database.session import Database
    from indexer.usecases.people.regrouping import PeopleChange

Faces = Annotated[list[UUID], typer.Argument(metavar="FACE...", help="Ids of faces: `gemel person show`.")]
Take = Annotated[
    str,
    typer.Option(help="Fields to take from the other one, separated by commas: name, external_id, metadata."),
]


def merge(
    person: Person,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The id or external id of the other.")],
    gallery: Gallery,
    take: Take = "",
    although_distinct: Annotated[
        bool, typer.Option("--although-distinct", help="Merge people known to be different.")
    ] = False,
    json: Json = None,
) -> None:
    """Merge OTHER into PERSON: all faces become PERSON's, and OTHER disappears.

    Example: `gemel person merge 4711 4712 --gallery staff`
    """
    from indexer.usecases.people.merge import merge as merge_people

    fields = fields_of(take)
    with open_index_store(Settings()) as index_store:
        database = index_store.database
        (one_id, one), (other_id, second) = (_find(database, gallery, key) for key in (person, other))
        change = merge_people(
            database, gallery, one_id, other_id, take=fields, although_distinct=although_distinct
        )
    _print_change(change, f"Merged {second} into {one}: {quantity(change.faces, 'face')}", json, gallery)


def split(
    person: Person,
    faces: Faces,
    gallery: Gallery,
    name: Annotated[str | None, typer.Option(help="The new person's name.")] = None,
    external_id: Annotated[str | None, typer.Option(help="The new person's external id.")] = None,
    json: Json = None,
) -> None:
    """Create a new person from some of PERSON's faces.

    Example: `gemel person split 4711 019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f --gallery staff --name "Grace
    Hopper"`
    """
    from indexer.usecases.enrol import NewIdentity
    from indexer.usecases.people.split import split as split_person

    with open_index_store(Settings()) as index_store:
        one_id, one = _find(index_store.database, gallery, person)
        new = NewIdentity(external_id=external_id, name=name)
        change = split_person(index_store.database, gallery, one_id, set(faces), new)
    shown = name or external_id or change.other_id
    _print_change(change, f"Split {quantity(change.faces, 'face')} of {one} off as {shown}", json, gallery)


def move(
    person: Person,
    faces: Faces,
    gallery: Gallery,
    to: Annotated[str, typer.Option(help="The id or external id of the person who gets the faces.")],
    json: Json = None,
) -> None:
    """Give some of PERSON's faces to another person.

    Example: `gemel person move 4711 019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f --to 4712 --gallery staff`
    """
    from indexer.usecases.people.split import move as move_faces

    with open_index_store(Settings()) as index_store:
        database = index_store.database
        (one_id, one), (to_id, other) = (_find(database, gallery, key) for key in (person, to))
        change = move_faces(database, gallery, one_id, set(faces), to_id)
    _print_change(change, f"Moved {quantity(change.faces, 'face')} of {one} to {other}", json, gallery)


def undo(
    change_id: Annotated[UUID, typer.Argument(metavar="ID", help="The id that the change printed.")],
    gallery: Gallery,
    json: Json = None,
) -> None:
    """Undo a merge, a split or a move.

    Example: `gemel person undo 019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f --gallery staff`
    """
    from indexer.usecases.people.undo import undo as undo_change

    with open_index_store(Settings()) as index_store:
        undone = undo_change(index_store.database, gallery, change_id)
    said = f"Undid the {undone.kind}: {quantity(undone.faces, 'face')} returned"
    if undone.faces_left:
        said += f"; {quantity(undone.faces_left, 'face')} did not, because of later changes"
    result = _as_json(undone) | {"faces_left": undone.faces_left}
    print_result(result, json, lambda: out.print(f"{said}.", highlight=False, soft_wrap=True))


def fields_of(take: str) -> "set[Any]":
    """Raises typer.BadParameter."""
    from indexer.usecases.people.merge import Field

    names = {name.strip() for name in take.split(",") if name.strip()}
    unknown = names - {field.value for field in Field}
    if unknown:
        known = ", ".join(field.value for field in Field)
        raise typer.BadParameter(f"--take: {min(unknown)!r} is none of {known}.")
    return {Field(name) for name in names}


def _find(database: "Database", gallery: str, key: str) -> tuple[UUID, str]:
    """Id and name of the person. Raises GalleryNotFound, IdentityNotFound, IdentityMerged."""
    from indexer.records import galleries

    with database.reading() as session:
        identity = find_person(session, galleries.get(session, gallery).id, key)
    return identity.id, name_of(identity)


def _as_json(change: "PeopleChange") -> dict[str, Any]:
    return {
        "id": change.id,
        "kind": change.kind,
        "identity_id": change.identity_id,
        "other_id": change.other_id,
        "faces": change.faces,
        "change_number": change.change_number,
    }


def _print_change(change: "PeopleChange", said: str, json: Json, gallery: str) -> None:
    def show() -> None:
        out.print(escape_text(f"{said}."), highlight=False, soft_wrap=True)
        undo = f"gemel person undo {change.id} --gallery {gallery}"
        out.print(f"To undo it: {escape_text(undo)}", highlight=False, soft_wrap=True)

    print_result(_as_json(change), json, show)
