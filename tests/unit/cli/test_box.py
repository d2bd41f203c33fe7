"""The option --box."""

import pytest
import typer

from indexer.cli.box import check_box


@pytest.mark.parametrize(
    "text", ["1,2,3", "a,b,c,d", "nan,1,50,50", "1e308,1,50,50", "1,-2000000,50,50", "1,2,0,50"]
)
def test_what_is_no_box_in_a_picture_is_a_wrong_option(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        check_box(text)


def test_a_box_may_begin_outside_the_picture() -> None:
    assert check_box("-5,0,31.5,40") == "-5,0,31.5,40"
