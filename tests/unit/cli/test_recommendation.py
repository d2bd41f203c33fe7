"""What the first start says of the recommended model."""

from pathlib import Path

import pytest

from indexer.cli.server.recommendation import recommendation
from indexer.settings import Settings
from indexer.usecases.bootstrap import default_card
from tests.support.weights import REID0095, needs_reid0095

FETCH = "run `gemel models fetch sface+reid0095` (2.6 MB) and set GEMEL_MODEL=sface+reid0095"


def _said(settings: Settings) -> str | None:
    return recommendation(settings, default_card(settings))


def test_a_recommended_model_that_is_not_here_is_named_with_its_gain_and_the_command(tmp_path: Path) -> None:
    said = _said(Settings(home=tmp_path))

    assert said is not None
    assert said.startswith("New galleries use sface. Recommended is sface+reid0095: ")
    assert FETCH in said
    assert "%" in said


@needs_reid0095
def test_of_one_that_is_here_only_the_setting_is_named(tmp_path: Path) -> None:
    said = _said(Settings(home=tmp_path, model_mirror=str(REID0095)))

    assert said is not None
    assert "fetch" not in said
    assert said.endswith("To use it, set GEMEL_MODEL=sface+reid0095.")


@pytest.mark.parametrize("model", ["sface", "sface+reid0095"])
def test_to_an_operator_who_has_chosen_a_model_nothing_is_recommended(tmp_path: Path, model: str) -> None:
    assert _said(Settings(home=tmp_path, model=model)) is None
