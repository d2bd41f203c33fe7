"""Conditions on metadata, as clients write them, in PostgreSQL's jsonpath.

The language is the part of MongoDB's queries that vector databases have too. A condition is true or false,
never unknown: a field that is missing, or a value of another type, makes a comparison false.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from indexer.errors import InvalidFilter

MAX_BYTES = 16_384
"""Of a filter's conditions, as JSON."""
MAX_CONDITIONS = 100
MAX_DEPTH = 8
"""Conditions within conditions."""
MAX_VALUES = 1_000
"""Of all lists of `$in` and `$nin` together."""
_MAX_NUMBER = 2**63

_COMPARISONS = {"$eq": "==", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_OPERATORS = frozenset(_COMPARISONS) | {"$ne", "$in", "$nin", "$exists", "$not"}


def jsonpath(conditions: Mapping[str, Any]) -> str:
    """A predicate for PostgreSQL's operator `@@`. Raises InvalidFilter."""
    try:
        size = len(json.dumps(conditions, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, TypeError, RecursionError) as error:
        raise _invalid(f"the filter of metadata is not JSON: {error}") from error
    if size > MAX_BYTES:
        raise InvalidFilter(
            f"the filter of metadata takes {size} bytes, more than the limit of {MAX_BYTES}",
            field="filter.metadata",
            measured=size,
            limit=MAX_BYTES,
        )
    return _Compiler().all_of(conditions, "filter.metadata", 0)


class _Compiler:
    def __init__(self) -> None:
        self._conditions = 0
        self._values = 0

    def all_of(self, conditions: Any, at: str, depth: int) -> str:
        """`at`: where the conditions stand in the request."""
        if not isinstance(conditions, Mapping) or not conditions:
            raise _invalid(f"{at} must be an object with at least one condition", at)
        if depth > MAX_DEPTH:
            raise _invalid(f"{at} is nested more than {MAX_DEPTH} deep", at, limit=MAX_DEPTH)
        parts = [self._condition(key, value, f"{at}.{key}", depth) for key, value in conditions.items()]
        return parts[0] if len(parts) == 1 else "(" + " && ".join(parts) + ")"

    def _condition(self, key: str, value: Any, at: str, depth: int) -> str:
        if key in ("$and", "$or"):
            if not isinstance(value, Sequence) or isinstance(value, str) or not value:
                raise _invalid(f"{at} must be a list of at least one filter", at)
            parts = [self.all_of(one, f"{at}[{n}]", depth + 1) for n, one in enumerate(value)]
            return "(" + (" && " if key == "$and" else " || ").join(parts) + ")"
        if key == "$not":
            return f"!({self.all_of(value, at, depth + 1)})"
        if key.startswith("$"):
            raise _invalid(f"{at}: there is no operator {key[:50]!r} here; use $and, $or and $not", at)
        return self._field(_path(key, at), value, at, depth)

    def _field(self, path: str, value: Any, at: str, depth: int) -> str:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise _invalid(f"the filter has more than {MAX_CONDITIONS} conditions", limit=MAX_CONDITIONS)
        if not isinstance(value, Mapping):
            return _exists(path, f"@ == {_scalar(value, at)}")
        unknown = [operator for operator in value if operator not in _OPERATORS]
        if unknown or not value:
            named = f"there is no operator {unknown[0][:50]!r}; " if unknown else ""
            raise _invalid(f"{at}: {named}use {', '.join(sorted(_OPERATORS))}", at)
        if depth > MAX_DEPTH:
            raise _invalid(f"{at} is nested more than {MAX_DEPTH} deep", at, limit=MAX_DEPTH)
        # A single value must satisfy these: of several in a list, one of them.
        together = [
            f"@ {_COMPARISONS[operator]} {_literal(operator, operand, f'{at}.{operator}')}"
            for operator, operand in value.items()
            if operator in _COMPARISONS
        ]
        if "$in" in value:
            together.append(self._one_of(value["$in"], f"{at}.$in"))
        parts = [_exists(path, " && ".join(together))] if together else []
        if "$ne" in value:
            equal = f"@ == {_scalar(value['$ne'], at)}"
            parts.append("!" + _exists(path, equal))
        if "$nin" in value:
            parts.append("!" + _exists(path, self._one_of(value["$nin"], f"{at}.$nin")))
        if "$exists" in value:
            if not isinstance(value["$exists"], bool):
                raise _invalid(f"{at}.$exists must be true or false", f"{at}.$exists")
            parts.append(f"exists({path})" if value["$exists"] else f"!exists({path})")
        if "$not" in value:
            parts.append(f"!({self._field(path, value['$not'], f'{at}.$not', depth + 1)})")
        return parts[0] if len(parts) == 1 else "(" + " && ".join(parts) + ")"

    def _one_of(self, values: Any, at: str) -> str:
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise _invalid(f"{at} must be a list of at least one value", at)
        self._values += len(values)
        if self._values > MAX_VALUES:
            raise _invalid(f"the lists of the filter have more than {MAX_VALUES} values", limit=MAX_VALUES)
        return "(" + " || ".join(f"@ == {_scalar(value, at)}" for value in values) + ")"


def _exists(path: str, predicate: str) -> str:
    """`exists` makes an unknown comparison false, so that `!` makes it true."""
    return f"exists({path} ? ({predicate}))"


def _path(key: str, at: str) -> str:
    names = key.split(".")
    if not all(names) or len(key) > 255:
        raise _invalid(f"{at[:300]}: a field is 1 to 255 characters; dots lead into objects", at)
    return "$" + "".join(f".{_string(name, at)}" for name in names)


def _literal(operator: str, value: Any, at: str) -> str:
    if operator != "$eq" and (isinstance(value, bool) or not isinstance(value, int | float | str)):
        raise _invalid(f"{at} must be a number or a text", at)
    return _scalar(value, at)


def _scalar(value: Any, at: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value, at)
    if isinstance(value, int | float) and abs(value) < _MAX_NUMBER:
        return json.dumps(value)
    raise _invalid(f"{at} must be a text, a number below 2^63, true, false or null", at)


def _string(value: str, at: str) -> str:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise _invalid(f"{at[:300]} contains NUL or an unpaired surrogate", at)
    return json.dumps(value, ensure_ascii=False)


def _invalid(message: str, at: str = "filter.metadata", **details: Any) -> InvalidFilter:
    shown = message.encode(errors="replace").decode()[:500]
    return InvalidFilter(shown, field=at.encode(errors="replace").decode()[:300], **details)
