"""Options that the commands share."""

from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.box import HELP, METAVAR, check_box
from indexer.errors import InvalidFilter
from indexer.types import Attribute

if TYPE_CHECKING:
    from indexer.records.filters.people_filter import PeopleFilter

Threshold = Annotated[
    float | None,
    typer.Option(min=-1, max=1, help="Score from which a match counts.", show_default="by policy"),
]
Box = Annotated[str | None, typer.Option("--box", metavar=METAVAR, callback=check_box, help=HELP)]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter",
        metavar="JSON",
        help='Search among some people only, such as \'{"metadata": {"site": "A"}}\'.',
    ),
]
Attributes = Annotated[
    str,
    typer.Option(
        "--attributes",
        metavar="NAME,...",
        help="Attributes to estimate of each face, such as `liveness,pose`, among those that"
        " GEMEL_ATTRIBUTES permits.",
    ),
]
Metadata = Annotated[bool, typer.Option("--metadata", help="Give the metadata of the candidates.")]


def parse_attributes(value: str) -> list[Attribute]:
    """Raises typer.BadParameter."""
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in list(Attribute):
            raise typer.BadParameter(f"there is no attribute {name!r}; there are {', '.join(Attribute)}")
    return list(dict.fromkeys(map(Attribute, names)))


def parse_filter(value: str) -> "PeopleFilter | None":
    """Raises InvalidFilter."""
    from json import loads

    from indexer.records.filters.people_filter import PeopleFilter

    try:
        parsed = loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidFilter(f"the filter is not JSON: {error}", field="filter") from error
    return PeopleFilter.parse(parsed)
