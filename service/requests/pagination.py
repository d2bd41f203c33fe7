"""Lists come in pages: how many at once, and where the next page begins."""

import re
from collections.abc import Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Query

from indexer.errors import InvalidRequest
from indexer.records.galleries import NAME_PATTERN

FACES_OF_ONE = 100
"""Faces that the answer about one identity brings along; the others come in pages."""
FACES_OF_EACH = 10
"""The same for each identity of a list."""
MAX_LIMIT = 1_000

PageLimit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many at once")]
PageCursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]

_LARGEST = 2**63 - 1

T = TypeVar("T")


def cut(found: Sequence[T], limit: int) -> tuple[Sequence[T], bool]:
    """A page out of `limit + 1` that were asked for, and whether there are more."""
    return found[:limit], len(found) > limit


def whole_number(cursor: str) -> int:
    """Of a page of faces. Raises InvalidRequest."""
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 19 or int(cursor) > _LARGEST:
        raise _unknown()
    return int(cursor)


def uuid(cursor: str) -> UUID:
    """Of a page of identities or jobs. Raises InvalidRequest."""
    try:
        return UUID(cursor)
    except ValueError:
        raise _unknown() from None


def gallery_name(cursor: str) -> str:
    """Of a page of galleries. Raises InvalidRequest."""
    if not re.fullmatch(NAME_PATTERN, cursor):
        raise _unknown()
    return cursor


def _unknown() -> InvalidRequest:
    return InvalidRequest("cursor is not one that a page gave", field="cursor")
