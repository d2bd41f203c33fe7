"""Whom a search is among."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Self
from uuid import UUID

from indexer.errors import InvalidFilter, InvalidRequest
from indexer.records.filters.metadata import jsonpath
from indexer.records.text import checked_id

MAX_IDS = 5_000
"""Of each list."""
_FIELDS = ("metadata", "identities", "external_ids", "anonymous")
_ANONYMOUS = ("include", "exclude")


@dataclass(frozen=True, kw_only=True)
class PeopleFilter:
    """All of its parts must hold. Compared by its text."""

    text: str
    """Canonical JSON: equal filters have equal texts."""
    metadata_path: str | None = field(compare=False)
    """A jsonpath predicate of the metadata."""
    identities: tuple[UUID, ...] | None
    external_ids: tuple[str, ...] | None
    exclude_anonymous: bool

    @cached_property
    def sha256(self) -> str:
        return sha256(self.text.encode()).hexdigest()

    @property
    def is_anonymous_only(self) -> bool:
        """Whether it leaves out the anonymous, and nobody else."""
        return self.metadata_path is None and self.identities is None and self.external_ids is None

    @classmethod
    def parse(cls, value: Any) -> Self | None:
        """None where it selects everybody. Raises InvalidFilter.

        `value`: an object with some of `metadata` (`filters.metadata`), `identities` (a list of ids),
        `external_ids` (a list) and `anonymous` (`include` or `exclude`).
        """
        if not isinstance(value, Mapping):
            raise InvalidFilter("filter must be an object", field="filter")
        unknown = [str(key)[:50] for key in value if key not in _FIELDS]
        if unknown:
            raise InvalidFilter(
                f"filter has no field {unknown[0]!r}; it has {', '.join(_FIELDS)}", field="filter"
            )
        given = {key: part for key, part in value.items() if part is not None}
        anonymous = given.get("anonymous", "include")
        if anonymous not in _ANONYMOUS:
            raise InvalidFilter("filter.anonymous must be include or exclude", field="filter.anonymous")
        metadata = given.get("metadata")
        path = None if metadata is None or metadata == {} else jsonpath(metadata)
        identities = _ids(given["identities"]) if "identities" in given else None
        external_ids = _external_ids(given["external_ids"]) if "external_ids" in given else None
        canonical: dict[str, Any] = {}
        if path is not None:
            canonical["metadata"] = metadata
        if identities is not None:
            canonical["identities"] = [str(one) for one in identities]
        if external_ids is not None:
            canonical["external_ids"] = list(external_ids)
        if anonymous == "exclude":
            canonical["anonymous"] = "exclude"
        if not canonical:
            return None
        return cls(
            text=json.dumps(canonical, sort_keys=True, ensure_ascii=False),
            metadata_path=path,
            identities=identities,
            external_ids=external_ids,
            exclude_anonymous=anonymous == "exclude",
        )


def _ids(values: Any) -> tuple[UUID, ...]:
    found = []
    for value in _listed(values, "filter.identities"):
        try:
            found.append(value if isinstance(value, UUID) else UUID(value))
        except (ValueError, AttributeError, TypeError):
            raise InvalidFilter(
                f"filter.identities: {str(value)[:50]!r} is no id", field="filter.identities"
            ) from None
    return tuple(sorted(set(found)))


def _external_ids(values: Any) -> tuple[str, ...]:
    found = set()
    for value in _listed(values, "filter.external_ids"):
        if not isinstance(value, str):
            raise InvalidFilter("filter.external_ids: an id is a text", field="filter.external_ids")
        try:
            found.add(checked_id(value, "filter.external_ids") or "")
        except InvalidRequest as error:
            raise InvalidFilter(error.message, field="filter.external_ids") from error
    return tuple(sorted(found))


def _listed(values: Any, field: str) -> Sequence[Any]:
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise InvalidFilter(f"{field} must be a list", field=field)
    if len(values) > MAX_IDS:
        raise InvalidFilter(
            f"{field} has {len(values)} ids, more than the limit of {MAX_IDS}",
            field=field,
            measured=len(values),
            limit=MAX_IDS,
        )
    return values
