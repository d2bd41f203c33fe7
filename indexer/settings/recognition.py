"""Networks: models, attributes, devices; and the thresholds."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from indexer.settings.lists import separated
from indexer.types import SENSITIVE, Attribute

LEAST_RATE = 1e-9
"""The lowest rate of false alarms that can be requested. No measurement supports a lower one."""


class RecognitionSettings(BaseModel):
    attributes: str = Field(
        default=",".join(name for name in Attribute if name not in SENSITIVE),
        description="Attributes of a face that requests may ask for, separated by commas: `liveness`, `mask`,"
        " `glasses`, `pose`, `eyes`, `occlusion`, `quality`, and, off by default, `expression`, `age`,"
        " `gender`. `none`: no attributes",
    )
    expression_head: Path | None = Field(
        default=None,
        description="Card `NAME.json` of a head that `gemel train --task expression` made, which estimates"
        " `expression` in place of the published network's last layer; `NAME.onnx` lies beside it",
    )
    model: str = Field(
        default="sface",
        description="Model of new galleries: one that `gemel models` lists, or `onnx:PATH` or"
        " `safetensors:PATH` with a card beside the file, or `fused:PATH` of a card",
    )
    models_dir: Path | None = Field(
        default=None,
        description="Folder of the model files that `POST /v1/reindexes` may name, as `onnx:FILE`,"
        " `safetensors:FILE` or `fused:FILE`; without it, published models only",
    )
    model_mirror: str | None = Field(
        default=None,
        description="Where published weights come from instead of their publishers' addresses: a folder, or"
        " an address `https://...`, with the files under their published names; files in a"
        " folder are used where they lie",
    )
    mirror: bool = Field(
        default=True, description="Embed the mirror image too and take the mean; part of the model"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Arithmetic of the network: `auto` is `float32` on processors and float16 on GPUs;"
        " `bfloat16` is faster on processors with AVX512-BF16 or AMX; others compute in `float32` with"
        " `openvino`",
    )
    runtime: Literal["auto", "torch", "openvino"] = Field(
        default="auto",
        description="What runs the network: `openvino` on processors, `torch` on any device; `auto` is"
        " `torch` where the network runs on a GPU, else `openvino`. Models in ONNX files run with"
        " `openvino`, on the processor",
    )
    device: str | None = Field(
        default=None,
        description="Device of the network, by torch's name: `cpu`, `cuda`, `cuda:1`; default: a GPU if"
        " there is one",
    )
    embedder_threads: int | None = Field(
        default=None,
        ge=1,
        description="Threads of the network; default: the cores, divided among the workers",
    )
    embedder_max_batch: int = Field(
        default=32, ge=1, description="Largest number of faces in one batch of the network"
    )
    identify_fpir: float = Field(
        default=0.01,
        ge=LEAST_RATE,
        lt=1,
        description="Share of searches for people who are not enrolled that may return a match; sets"
        " the threshold",
    )
    verify_fmr: float = Field(
        default=0.001,
        ge=LEAST_RATE,
        lt=1,
        description="Share of pairs of different people that may be taken for one person; sets the threshold",
    )

    @model_validator(mode="after")
    def _check_mirror(self) -> Self:
        if self.model_mirror is not None and "://" in self.model_mirror and self.mirror_address is None:
            raise ValueError(
                f"model_mirror: {self.model_mirror!r} is no folder, and no address `https://...`"
            )
        return self

    @model_validator(mode="after")
    def _check_runtime(self) -> Self:
        if self.runtime == "openvino" and self.device not in (None, "cpu"):
            raise ValueError(
                f"runtime: openvino runs networks on the processor, not on {self.device}: set runtime to auto"
                " or torch, or device to cpu"
            )
        return self

    @model_validator(mode="after")
    def _check_attributes(self) -> Self:
        for name in separated(self.attributes):
            if name not in [*Attribute, "none"]:
                raise ValueError(f"attributes: there is no attribute {name!r}")
        return self

    @property
    def permitted_attributes(self) -> frozenset[Attribute]:
        return frozenset(Attribute(name) for name in separated(self.attributes) if name != "none")

    @property
    def mirror_folder(self) -> Path | None:
        """The model mirror, if it is a folder."""
        if self.model_mirror is None or self.mirror_address is not None:
            return None
        return Path(self.model_mirror).expanduser()

    @property
    def mirror_address(self) -> str | None:
        """The model mirror without its last slash, if it is on another machine."""
        mirror = (self.model_mirror or "").strip()
        return mirror.rstrip("/") if re.match(r"https?://[^/]", mirror, re.IGNORECASE) else None
