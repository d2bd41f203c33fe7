"""Filters of people, as requests have them."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BeforeValidator, Field

from indexer.errors import InvalidFilter, InvalidRequest
from indexer.records.filters.people_filter import PeopleFilter
from service.requests.bodies import JsonObject, parse_json
from service.requests.lists import separated

_DESCRIPTION = (
    "Search among some people only; the threshold follows the number of their faces. An object with some of"
    ' `metadata`: conditions such as `{"site": "A", "age": {"$gte": 18}}` (see the how-to on'
    " filters); `identities`: a list of ids; `external_ids`: a list; `anonymous`: `include` or `exclude`. All"
    " of them must hold. In a form: JSON"
)
_EXAMPLE: dict[str, Any] = {"metadata": {"site": {"$in": ["A", "B"]}}, "anonymous": "exclude"}
Filter = Annotated[dict[str, Any] | None, Field(description=_DESCRIPTION, examples=[_EXAMPLE])]
FormFilter = Annotated[JsonObject | None, Field(description=_DESCRIPTION, examples=[_EXAMPLE])]
Include = Annotated[
    list[Literal["metadata"]],
    BeforeValidator(separated),
    Field(description="`metadata`: candidates have that of their people", examples=[["metadata"]]),
]
QueryFilter = Annotated[
    str | None,
    Query(description="As in `identify`, in JSON", examples=['{"metadata": {"site": "A"}}']),
]
QueryInclude = Annotated[
    Literal["metadata"] | None, Query(description="`metadata`: candidates have that of their people")
]


def people_filter(value: dict[str, Any] | None) -> PeopleFilter | None:
    """Raises InvalidFilter."""
    return None if value is None else PeopleFilter.parse(value)


def query_filter(value: str | None) -> PeopleFilter | None:
    """`value`: JSON. Raises InvalidFilter."""
    if value is None:
        return None
    try:
        parsed = parse_json(value.encode(), what="it")
    except InvalidRequest as error:
        raise InvalidFilter(f"the filter cannot be read: {error.message}", field="filter") from error
    return PeopleFilter.parse(parsed)
