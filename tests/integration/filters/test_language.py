"""The filter language: PostgreSQL agrees with a model in Python, and nonsense is an error."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from indexer.errors import InvalidFilter
from indexer.records.database.session import Database
from indexer.records.filters import metadata
from indexer.records.filters.people_filter import MAX_IDS, PeopleFilter

SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -5, 2.5, 1e17, "", "a", "b", 'a "quote\\', "é", "2026-01-01"]
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "with space", 'quo"te']),
    VALUES | st.dictionaries(st.sampled_from(["x", "y"]), VALUES, max_size=2),
    max_size=4,
)
ORDERED = st.sampled_from([0, 1, -5, 2.5, "a", "b", "2026-01-01"])
OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "$eq": SCALARS,
        "$ne": SCALARS,
        "$in": st.lists(SCALARS, min_size=1, max_size=3),
        "$nin": st.lists(SCALARS, min_size=1, max_size=3),
        "$gt": ORDERED,
        "$gte": ORDERED,
        "$lt": ORDERED,
        "$lte": ORDERED,
        "$exists": st.booleans(),
    },
).filter(bool)
FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "a.x", "with space", 'quo"te']),
    SCALARS | OPERATIONS | OPERATIONS.map(lambda one: {"$not": one}),
    min_size=1,
    max_size=2,
)
FILTERS = st.recursive(
    FIELDS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$and": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$or": parts}),
        inner.map(lambda part: {"$not": part}),
    ),
    max_leaves=4,
)


def values_at(document: Any, names: list[str]) -> list[Any]:
    """The values of a path: the items of a list are values too."""
    if isinstance(document, list):
        return [value for item in document for value in values_at(item, names)] if names else document
    if not names:
        return [document]
    return (
        values_at(document[names[0]], names[1:])
        if isinstance(document, dict) and names[0] in document
        else []
    )


def present(document: Any, names: list[str]) -> bool:
    for name in names:
        if not isinstance(document, dict) or name not in document:
            return False
        document = document[name]
    return True


def same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def ordered(operator: str, one: Any, other: Any) -> bool:
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (one, other))
    if not numbers and not (isinstance(one, str) and isinstance(other, str)):
        return False
    less: bool = one < other
    return (one == other and operator in ("$gte", "$lte")) or (
        one != other and less is operator.startswith("$l")
    )


def holds(document: Any, conditions: dict[str, Any]) -> bool:
    def field(names: list[str], value: Any) -> bool:
        found = values_at(document, names)
        if not isinstance(value, dict):
            return any(same(one, value) for one in found)
        tests = [
            (lambda one, operator=operator, operand=operand: (
                same(one, operand) if operator == "$eq"
                else any(same(one, other) for other in operand) if operator == "$in"
                else ordered(operator, one, operand)
            ))
            for operator, operand in value.items()
            if operator in ("$eq", "$in", "$gt", "$gte", "$lt", "$lte")
        ]  # fmt: skip
        return (
            (not tests or any(all(test(one) for test in tests) for one in found))
            and ("$ne" not in value or not any(same(one, value["$ne"]) for one in found))
            and ("$nin" not in value or not any(same(one, x) for one in found for x in value["$nin"]))
            and ("$exists" not in value or present(document, names) is value["$exists"])
            and ("$not" not in value or not field(names, value["$not"]))
        )

    return all(
        all(holds(document, part) for part in value)
        if key == "$and"
        else any(holds(document, part) for part in value)
        if key == "$or"
        else not holds(document, value)
        if key == "$not"
        else field(key.split("."), value)
        for key, value in conditions.items()
    )


@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=8), conditions=FILTERS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_postgresql_judges_metadata_as_the_model_does(
    database: Database, documents: list[dict[str, Any]], conditions: dict[str, Any]
) -> None:

    path = metadata.jsonpath(conditions)
    with database.reading() as session:
        rows = session.execute(
            text(
                "SELECT value @@ CAST(:path AS jsonpath) FROM unnest(CAST(:documents AS jsonb[]))"
                " WITH ORDINALITY AS row (value, place) ORDER BY place"
            ),
            {"path": path, "documents": [json.dumps(one) for one in documents]},
        )
        assert rows.scalars().all() == [holds(one, conditions) for one in documents]


@pytest.mark.parametrize(
    ("value", "about"),
    [
        ([], "filter"),
        ("all", "filter"),
        ({"meta": {}}, "filter"),
        ({"anonymous": "only"}, "filter.anonymous"),
        ({"anonymous": True}, "filter.anonymous"),
        ({"identities": "0192"}, "filter.identities"),
        ({"identities": ["4711"]}, "filter.identities"),
        ({"identities": [7]}, "filter.identities"),
        ({"external_ids": [7]}, "filter.external_ids"),
        ({"external_ids": [""]}, "filter.external_ids"),
        ({"external_ids": [str(n) for n in range(MAX_IDS + 1)]}, "filter.external_ids"),
        ({"metadata": []}, "filter.metadata"),
        ({"metadata": {"a": {}}}, "filter.metadata.a"),
        ({"metadata": {"a": [1]}}, "filter.metadata.a"),
        ({"metadata": {"a": {"$regex": "x"}}}, "filter.metadata.a"),
        ({"metadata": {"a": {"b": 1}}}, "filter.metadata.a"),
        ({"metadata": {"$nor": []}}, "filter.metadata.$nor"),
        ({"metadata": {"$and": []}}, "filter.metadata.$and"),
        ({"metadata": {"$or": {"a": 1}}}, "filter.metadata.$or"),
        ({"metadata": {"$not": {}}}, "filter.metadata.$not"),
        ({"metadata": {"a": {"$in": []}}}, "filter.metadata.a.$in"),
        ({"metadata": {"a": {"$in": "abc"}}}, "filter.metadata.a.$in"),
        ({"metadata": {"a": {"$in": list(range(metadata.MAX_VALUES + 1))}}}, "filter.metadata"),
        ({"metadata": {"a": {"$gte": None}}}, "filter.metadata.a.$gte"),
        ({"metadata": {"a": {"$gte": True}}}, "filter.metadata.a.$gte"),
        ({"metadata": {"a": {"$exists": 1}}}, "filter.metadata.a.$exists"),
        ({"metadata": {"a": float("nan")}}, "filter.metadata"),
        ({"metadata": {"a": 10**400}}, "filter.metadata.a"),
        ({"metadata": {"a": "\0"}}, "filter.metadata.a"),
        ({"metadata": {"a": "x" * metadata.MAX_BYTES}}, "filter.metadata"),
        ({"metadata": {"a..b": 1}}, "filter.metadata.a..b"),
        ({"metadata": {"": 1}}, "filter.metadata."),
        ({"metadata": {str(n): 1 for n in range(metadata.MAX_CONDITIONS + 1)}}, "filter.metadata"),
    ],
)
def test_nonsense_is_an_error_that_says_where(value: Any, about: str) -> None:
    with pytest.raises(InvalidFilter) as error:
        PeopleFilter.parse(value)
    assert error.value.details["field"] == about


def test_conditions_are_nested_only_so_deep() -> None:
    inside: dict[str, Any] = {"a": 1}
    for _ in range(50):
        inside = {"$not": inside}
    with pytest.raises(InvalidFilter):
        metadata.jsonpath(inside)


@pytest.mark.parametrize("value", [{}, {"anonymous": "include"}, {"metadata": {}}, {"identities": None}])
def test_a_filter_that_selects_everybody_is_none(value: dict[str, Any]) -> None:
    assert PeopleFilter.parse(value) is None


def test_equal_filters_have_one_text() -> None:
    one = PeopleFilter.parse({"external_ids": ["b", "a", "a"], "metadata": {"x": 1, "y": 2}})
    other = PeopleFilter.parse({"metadata": {"y": 2, "x": 1}, "external_ids": ["a", "b"]})
    assert one == other
    assert one is not None
    assert one.sha256 == other.sha256 if other else False
