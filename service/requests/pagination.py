"""Pages of lists: how many entries a page has, and the cursor of the next one."""

import re
from collections.abc import Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Query

from indexer.errors import InvalidRequest
from indexer.records.galleries import NAME_PATTERN

FACES_OF_ONE = 100
"""Faces that the answer about one identity includes; the others are listed in pages."""
FACES_OF_EACH = 10
"""The same, for each identity in a list."""
MAX_LIMIT = 1_000
MAX_OFFSET = 10_000_000

PageLimit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Maximum number of entries")]
PageOffset = Annotated[
    int,
    Query(
        ge=0,
        le=MAX_OFFSET,
        description="How many entries to skip, to open a long list in the middle. To read a whole list use"
        " `cursor`, which is quicker, and misses nothing if entries are deleted meanwhile",
    ),
]
PageCursor = Annotated[str | None, Query(description="`next_cursor` of the previous page")]

_LARGEST = 2**63 - 1

T = TypeVar("T")


def cut(found: Sequence[T], limit: int) -> tuple[Sequence[T], bool]:
    """The first `limit` of `limit + 1` requested entries, and whether there are more."""
    return found[:limit], len(found) > limit


def whole_number(cursor: str) -> int:
    """The cursor of a page of faces. Raises InvalidRequest."""
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 19 or int(cursor) > _LARGEST:
        raise _unknown()
    return int(cursor)


def uuid(cursor: str) -> UUID:
    """The cursor of a page of identities or jobs. Raises InvalidRequest."""
    try:
        return UUID(cursor)
    except ValueError:
        raise _unknown() from None


def gallery_name(cursor: str) -> str:
    """The cursor of a page of galleries. Raises InvalidRequest."""
    if not re.fullmatch(NAME_PATTERN, cursor):
        raise _unknown()
    return cursor


def _unknown() -> InvalidRequest:
    return InvalidRequest("cursor is not the next_cursor of any page", field="cursor")
