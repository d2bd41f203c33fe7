"""The tree of errors is complete: drawn, coded, and each with a row in the table to HTTP."""

import indexer.errors
from indexer.errors import GemelError
from service.errors import STATUS


def leaves(error: type[GemelError]) -> set[type[GemelError]]:
    below = error.__subclasses__()
    return set().union(*(leaves(e) for e in below)) if below else {error}


def test_every_leaf_has_a_status() -> None:
    assert leaves(GemelError) <= set(STATUS)


def test_every_leaf_has_a_code_of_its_own() -> None:
    codes = [leaf.code for leaf in leaves(GemelError)]

    assert len(codes) == len(set(codes))


def test_every_error_is_drawn_in_the_tree() -> None:
    drawn = indexer.errors.__doc__ or ""
    for leaf in leaves(GemelError):
        assert f" {leaf.__name__}" in drawn, leaf
