"""Finds models by name: published ones, and any file of weights with a card beside it."""

from dataclasses import asdict, replace
from pathlib import Path

from indexer.embedding import figures
from indexer.embedding.card import ModelCard, Pixels
from indexer.embedding.card_file import ONNX, TRAINED, Checked, read_onnx, read_trained, unchecked
from indexer.embedding.fused import FUSED, fuse, read_fused
from indexer.embedding.int8 import activations
from indexer.errors import ModelUnknown
from indexer.weights.published import DLIB_RESNET, REID0095, REID0095_GRAPH, SFACE

RECOMMENDED = "sface+reid0095"
"""The published model that identifies best; its weights are fetched."""
RECOMMENDED_FOR = "of LFW's open set it misses 3.4 % where sface misses 4.5 %"
"""At a false positive identification rate of 1 %, by `gemel evaluate openset`."""


def named(name: str, *, mirror: bool, checked: Checked = unchecked) -> ModelCard:
    """`name`: one of `published`; several of them with `+` between, which get equal weights and have no
    thresholds; the fingerprint of one of `superseded`; `onnx:` or `safetensors:` with the path of a file with
    a card; `fused:` with that of a card.

    `mirror`: whether the mirror image is embedded too. `checked`: for each file that is named.
    Raises ModelUnknown, CardUnusable, WeightsMissing.
    """
    for prefix, read in READERS.items():
        if name.startswith(prefix):
            return read(Path(name.removeprefix(prefix)), mirror=mirror, checked=checked)
    for card in superseded(mirror=mirror):
        if card.fingerprint == name:
            return card
    every = {card.name: card for card in published(mirror=mirror)}
    if name in every:
        return every[name]
    parts = [every.get(part) for part in name.split("+")]
    cards = [card for card in parts if card is not None and not card.parts]
    if 1 < len(cards) == len(parts):
        return fuse(name, [(card, 1.0) for card in cards])
    raise ModelUnknown(
        f"there is no model {name!r}; models are {', '.join(every)}, {ONNX}PATH, {TRAINED}PATH and"
        f" {FUSED}PATH",
        model=name,
    )


def _read_fused(path: Path, *, mirror: bool, checked: Checked) -> ModelCard:
    return read_fused(path, named, mirror=mirror, checked=checked)


READERS = {ONNX: read_onnx, TRAINED: read_trained, FUSED: _read_fused}
"""By prefix: of the models that are files."""


def known(active: ModelCard) -> list[ModelCard]:
    """The published models, those that they supersede, and the active one."""
    every = [*published(mirror=active.mirror), *superseded(mirror=active.mirror)]
    return every if active in every else [active, *every]


def published(*, mirror: bool) -> list[ModelCard]:
    return [
        sface(mirror=mirror),
        sface_int8(mirror=mirror),
        dlib_resnet(mirror=mirror),
        reid0095(mirror=mirror),
        sface_reid0095(mirror=mirror),
        sface_int8_reid0095(mirror=mirror),
    ]


def superseded(*, mirror: bool) -> list[ModelCard]:
    """Published models as they were before landmarks were refined. Galleries that were embedded with them are
    searched with them, until a re-index."""
    return [
        replace(
            card,
            template=card.template.removesuffix("v2") + "v1",
            **asdict(measured),
            is_superseded=True,
        )
        for card, measured in (
            (sface(mirror=mirror), figures.SFACE_V1),
            (sface_int8(mirror=mirror), figures.SFACE_INT8_V1),
            (dlib_resnet(mirror=mirror), figures.DLIB_RESNET_V1),
        )
    ]


def sface(*, mirror: bool) -> ModelCard:
    return ModelCard(
        name="sface",
        architecture="sface",
        weights=(SFACE,),
        dimension=128,
        template="arcface-112-v2",
        normalisation="(rgb-127.5)/128",
        mirror=mirror,
        **asdict(figures.SFACE),
        licence="Apache-2.0",
        source="OpenCV Zoo, face_recognition_sface 2021dec (Zhong et al. 2021)",
    )


def sface_int8(*, mirror: bool) -> ModelCard:
    """`sface` with int8 arithmetic; OpenVINO runs it, on processors."""
    return replace(
        sface(mirror=mirror),
        name="sface-int8",
        architecture="sface-int8",
        normalisation=f"(rgb-127.5)/128, int8 v1 {activations.digest()}",
        **asdict(figures.SFACE_INT8),
        source="OpenCV Zoo, face_recognition_sface 2021dec (Zhong et al. 2021), quantised by Gemel",
    )


def dlib_resnet(*, mirror: bool) -> ModelCard:
    return ModelCard(
        name="dlib-resnet",
        architecture="dlib-resnet",
        weights=(DLIB_RESNET,),
        dimension=128,
        template="dlib-150-v2",
        normalisation="(rgb-(122.782,117.001,104.298))/256",
        mirror=mirror,
        **asdict(figures.DLIB_RESNET),
        licence="CC0-1.0",
        source="dlib_face_recognition_resnet_model_v1 (King 2017)",
    )


def reid0095(*, mirror: bool) -> ModelCard:
    return ModelCard(
        name="reid0095",
        architecture="reid0095",
        weights=(REID0095_GRAPH, REID0095),
        dimension=256,
        template="arcface-112-v2",
        normalisation="bgr, 96 of 112 columns, stretched to 128",
        pixels=Pixels(channels="bgr", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
        mirror=mirror,
        **asdict(figures.REID0095),
        licence="Apache-2.0",
        source="Intel, Open Model Zoo, face-reidentification-retail-0095",
    )


def sface_reid0095(*, mirror: bool) -> ModelCard:
    return _beside_reid0095(sface(mirror=mirror), figures.SFACE_REID0095)


def sface_int8_reid0095(*, mirror: bool) -> ModelCard:
    return _beside_reid0095(sface_int8(mirror=mirror), figures.SFACE_INT8_REID0095)


def _beside_reid0095(card: ModelCard, measured: figures.Figures) -> ModelCard:
    """The mirror image improves SFace, and not `reid0095`."""
    return fuse(f"{card.name}+reid0095", [(card, 1.0), (reid0095(mirror=False), 0.75)], **asdict(measured))
