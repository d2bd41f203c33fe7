"""The options of a run: as given, else of the run that is continued, else of the recipe and the machine."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from indexer.embedding.backbones.registry import BACKBONES
from indexer.errors import InvalidRequest
from indexer.training.data.faces import Faces
from indexer.training.defaults import complete
from indexer.training.recipes import RECIPES
from indexer.training.run.folder import BEST, LAST, read_options, write_options
from indexer.training.run.progress import Progress
from indexer.training.train import train

GIVEN: dict[str, Any] = {"data": Path("people"), "out": Path("run"), "device": "cpu"}
BY_MACHINE = {"precision", "compile"}


def test_every_backbone_has_a_recipe() -> None:
    assert RECIPES.keys() == BACKBONES.keys()


@pytest.mark.parametrize("backbone", RECIPES)
def test_an_option_that_is_not_given_is_the_recipes(backbone: str) -> None:
    recipe = asdict(RECIPES[backbone])

    options = asdict(complete(GIVEN | {"backbone": backbone, "steps": 7, "patience": 3}, {}))

    assert (options["steps"], options["patience"]) == (7, 3)
    others = recipe.keys() - BY_MACHINE - {"steps", "patience"}
    assert {name: options[name] for name in others} == {name: recipe[name] for name in others}


def test_a_machine_with_bfloat16_and_a_compiler_uses_both(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for abilities, compiler in (({"avx512_bf16": True}, "sh"), ({"avx512_f": True}, "no-such-compiler")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda abilities=abilities: abilities)
        monkeypatch.setenv("CXX", compiler)
        options = complete(GIVEN, {})
        given = complete(GIVEN | {"precision": "float32", "compile": False}, {})
        made.append((options.precision, options.compile, given.precision, given.compile))

    assert made == [("bfloat16", True, "float32", False), ("float32", False, "float32", False)]


def test_a_resumed_run_keeps_its_values_when_recipe_and_machine_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = complete(GIVEN | {"backbone": "sface", "steps": 7, "precision": "bfloat16", "name": "mine"}, {})
    write_options(tmp_path, before.of_the_run)
    monkeypatch.setitem(RECIPES, "sface", RECIPES["paper"])
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)

    resumed = complete(GIVEN, read_options(tmp_path))

    assert resumed == before
    assert complete(GIVEN | {"steps": 8}, read_options(tmp_path)).digest != before.digest


def test_options_of_another_version_are_not_resumed(tmp_path: Path) -> None:
    assert read_options(tmp_path) == {}
    with pytest.raises(InvalidRequest, match="another version: momentum"):
        complete(GIVEN, {"momentum": 0.9})
    for damaged in ("{", "[]"):
        (tmp_path / "options.json").write_text(damaged)
        with pytest.raises(InvalidRequest, match=r"options\.json"):
            read_options(tmp_path)


def test_a_run_from_sface_ends_half_way_between_before_and_after(
    people: Path, sides: tuple[Faces, Faces], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = {"steps": 2, "evaluate_every": 2, "pairs": 1, "freeze": 12, "learning_rate": 1e-3}
    options = complete(GIVEN | {"data": people, "out": tmp_path, "compile": False} | quick, {})
    real = Progress.add_validation

    def the_best_yet(progress: Progress, *given: Any) -> bool:
        real(progress, *given)
        return True

    monkeypatch.setattr(Progress, "add_validation", the_best_yet)  # so that the last step is what comes out
    train(options, *sides)

    states = torch.load(tmp_path / LAST, weights_only=True)["states"]
    initial, learned, made = states["initial"], states["network"], load_file(tmp_path / BEST)
    assert not torch.equal(learned["pre_fc1.weight"], initial["pre_fc1.weight"])
    middle = (initial["pre_fc1.weight"] + learned["pre_fc1.weight"]) / 2
    torch.testing.assert_close(made["pre_fc1.weight"], middle, atol=1e-6, rtol=1e-5)
