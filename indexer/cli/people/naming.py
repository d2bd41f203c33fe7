"""`gemel person name|hide|unhide`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from indexer.cli.commands import Gallery, Json
from indexer.cli.database import open_index_store
from indexer.cli.output import escape_text, out, print_result
from indexer.cli.people.person import Person, as_json, find_person, name_of
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.records.tables import Identity


def name(
    person: Person,
    new_name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The name.")] = None,
    *,
    gallery: Gallery,
    external_id: Annotated[str | None, typer.Option(help="Your own id for the person.")] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove name and external id: the person is anonymous again.")
    ] = False,
    json: Json = None,
) -> None:
    """Name a person. A group or visitor whom nobody had named is then a person like any other.

    Example: `gemel person name 019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f "Grace Hopper" --gallery family`
    """
    values: dict[str, Any] = {}
    if new_name is not None:
        values["name"] = new_name
    if external_id is not None:
        values["external_id"] = external_id
    if clear == bool(values):
        raise typer.BadParameter("give a name, --external-id, or --clear.")
    if clear:
        values = {"name": None, "external_id": None, "anonymous": True}
    was, identity = _update(gallery, person, values)
    said = f"{was} is anonymous" if clear else f"{was} is {name_of(identity)}"
    print_result(as_json(identity), json, lambda: out.print(escape_text(f"{said}."), highlight=False))


def hide(person: Person, gallery: Gallery, json: Json = None) -> None:
    """Leave a person out of lists. Searches find them all the same.

    Example: `gemel person hide 019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f --gallery family`
    """
    was, identity = _update(gallery, person, {"hidden": True})
    said = f"{was} is hidden. Lists show hidden people with `--hidden`."
    print_result(as_json(identity), json, lambda: out.print(escape_text(said), highlight=False))


def unhide(person: Person, gallery: Gallery, json: Json = None) -> None:
    """List a hidden person again.

    Example: `gemel person unhide 019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f --gallery family`
    """
    was, identity = _update(gallery, person, {"hidden": False})
    said = f"{was} is listed."
    print_result(as_json(identity), json, lambda: out.print(escape_text(said), highlight=False))


def _update(gallery: str, person: str, values: dict[str, Any]) -> "tuple[str, Identity]":
    """The name of the person before, and the changed row. Raises GalleryNotFound, IdentityNotFound,
    IdentityMerged, InvalidRequest, ExternalIdTaken."""
    from indexer.records import galleries
    from indexer.records.enrolled import identities

    with open_index_store(Settings()) as index_store, index_store.database.transaction() as session:
        found = galleries.lock(session, galleries.get(session, gallery).id)
        identity = find_person(session, found.id, person)
        was = name_of(identity)
        return was, identities.update(session, identity, values)
