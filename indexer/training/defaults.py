"""The options of a run: those of the command line, else those of the recipe, as far as the machine can."""

import importlib.util
import os
import shutil
import sysconfig
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch

from indexer.errors import InvalidRequest
from indexer.training.distributed import device_of
from indexer.training.options import Options
from indexer.training.recipes import RECIPES, Recipe


def complete(given: dict[str, Any], before: dict[str, Any]) -> Options:
    """`given`: options from the command line, by name. `before`: those of the run that is continued, or
    nothing; they replace the recipe. Raises InvalidRequest."""
    backbone = given.get("backbone", before.get("backbone", "sface"))
    if unknown := before.keys() - {field.name for field in fields(Options)}:
        raise InvalidRequest(
            f"the run to resume has options of another version: {', '.join(sorted(unknown))}"
        )
    recipe = RECIPES.get(backbone, Recipe())  # `check` rejects an unknown backbone
    values = asdict(recipe) | {"backbone": backbone} | before | given
    precision, compiled = values.pop("precision"), values.pop("compile")
    options = Options(**values)
    options.check()
    device = device_of(options)
    if precision is None:
        precision = "bfloat16" if computes_in_bfloat16(device) else "float32"
    options = replace(
        options, precision=precision, compile=can_compile(device) if compiled is None else compiled
    )
    options.check()
    return options


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether it has instructions for bfloat16. Others emulate it, which takes longer than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # An older torch cannot tell.
    abilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))


def can_compile(device: torch.device) -> bool:
    """Whether the compilers are there that `torch.compile` calls."""
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is not None
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    return device.type == "cpu" and compiler is not None and header.exists()
