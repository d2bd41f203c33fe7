"""Finds models by name: published ones, and any file of weights with a card beside it."""

from dataclasses import replace
from pathlib import Path

from indexer.embedding import figures_v1
from indexer.embedding.card import ModelCard, Pixels
from indexer.embedding.card_file import ONNX, TRAINED, Checked, read_onnx, read_trained, unchecked
from indexer.embedding.fused import FUSED, fuse, read_fused
from indexer.embedding.int8 import activations
from indexer.errors import ModelUnknown
from indexer.weights.published import DLIB_RESNET, REID0095, REID0095_GRAPH, SFACE

RECOMMENDED = "sface+reid0095"
"""The published model that identifies best; its weights are fetched."""
RECOMMENDED_FOR = "of LFW's open set it misses 5.0 % of the people where sface misses 6.6 %"
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
    ]


def superseded(*, mirror: bool) -> list[ModelCard]:
    """Published models as they were before landmarks were refined. Galleries that were embedded with them are
    searched with them, until a re-index."""
    return [
        replace(
            card,
            template=card.template.removesuffix("v2") + "v1",
            score_at_fmr=figures.score_at_fmr,
            fmr_ranges=figures.fmr_ranges,
            genuine_scores=figures.genuine_scores,
            is_superseded=True,
        )
        for card, figures in (
            (sface(mirror=mirror), figures_v1.SFACE),
            (sface_int8(mirror=mirror), figures_v1.SFACE_INT8),
            (dlib_resnet(mirror=mirror), figures_v1.DLIB_RESNET),
        )
    ]


# On LFW, LFW degraded and CelebA, one picture of each person: 5,749, 5,749 and 5,424 people
# (`benchmarks/card_figures.py`). Rarer scores are left out: there, the sets differ by too much.
_SFACE_SCORE_AT_FMR = (
    *((0.5, 0.0945), (0.1, 0.2115), (0.01, 0.3075)),
    *((0.001, 0.3788), (0.0001, 0.4387), (0.00001, 0.4956)),
)
_SFACE_FMR_RANGES = (
    *((0.48, 0.534), (0.0867, 0.119), (0.00731, 0.0141)),
    *((0.000615, 0.00169), (0.0000481, 0.000203), (0.00000349, 0.000024)),
)

# Quantiles at each 5 %, over the 3,000 matched pairs of LFW's `pairs.txt`.
_SFACE_GENUINE_SCORES = (
    *(-0.003, 0.470, 0.516, 0.550, 0.576, 0.598, 0.615, 0.631, 0.647, 0.661, 0.674),
    *(0.685, 0.699, 0.712, 0.727, 0.742, 0.761, 0.780, 0.802, 0.838, 0.966),
)


def sface(*, mirror: bool) -> ModelCard:
    return ModelCard(
        name="sface",
        architecture="sface",
        weights=(SFACE,),
        dimension=128,
        template="arcface-112-v2",
        normalisation="(rgb-127.5)/128",
        mirror=mirror,
        score_at_fmr=_SFACE_SCORE_AT_FMR,
        fmr_ranges=_SFACE_FMR_RANGES,
        genuine_scores=_SFACE_GENUINE_SCORES,
        licence="Apache-2.0",
        source="OpenCV Zoo, face_recognition_sface 2021dec (Zhong et al. 2021)",
    )


# Likewise. They hold for one file of `activations`: measure them again when it changes.
_SFACE_INT8_SCORE_AT_FMR = (
    *((0.5, 0.0948), (0.1, 0.2119), (0.01, 0.3079)),
    *((0.001, 0.3793), (0.0001, 0.4394), (0.00001, 0.4966)),
)
_SFACE_INT8_FMR_RANGES = (
    *((0.481, 0.534), (0.0866, 0.119), (0.00731, 0.0142)),
    *((0.000615, 0.00172), (0.0000481, 0.000209), (0.00000344, 0.000025)),
)
_SFACE_INT8_GENUINE_SCORES = (
    *(0.008, 0.470, 0.517, 0.551, 0.576, 0.597, 0.615, 0.631, 0.646, 0.661, 0.672),
    *(0.685, 0.699, 0.713, 0.726, 0.741, 0.760, 0.780, 0.801, 0.838, 0.968),
)


def sface_int8(*, mirror: bool) -> ModelCard:
    """`sface` with int8 arithmetic; OpenVINO runs it, on processors."""
    return replace(
        sface(mirror=mirror),
        name="sface-int8",
        architecture="sface-int8",
        normalisation=f"(rgb-127.5)/128, int8 v1 {activations.digest()}",
        score_at_fmr=_SFACE_INT8_SCORE_AT_FMR,
        fmr_ranges=_SFACE_INT8_FMR_RANGES,
        genuine_scores=_SFACE_INT8_GENUINE_SCORES,
        source="OpenCV Zoo, face_recognition_sface 2021dec (Zhong et al. 2021), quantised by Gemel",
    )


# Likewise. Its embeddings are all close to one direction: different people score 0.85.
_DLIB_SCORE_AT_FMR = ((0.5, 0.8482), (0.1, 0.8917), (0.01, 0.9237), (0.001, 0.9492), (0.0001, 0.9722))
_DLIB_FMR_RANGES = (
    *((0.448, 0.597), (0.0709, 0.143), (0.0057, 0.0152)),
    *((0.000447, 0.00159), (0.0000259, 0.000289)),
)
_DLIB_GENUINE_SCORES = (
    *(0.862, 0.927, 0.935, 0.939, 0.944, 0.946, 0.949, 0.951, 0.953, 0.955, 0.957),
    *(0.959, 0.961, 0.963, 0.965, 0.967, 0.969, 0.972, 0.975, 0.980, 0.996),
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
        score_at_fmr=_DLIB_SCORE_AT_FMR,
        fmr_ranges=_DLIB_FMR_RANGES,
        genuine_scores=_DLIB_GENUINE_SCORES,
        licence="CC0-1.0",
        source="dlib_face_recognition_resnet_model_v1 (King 2017)",
    )


# Over the 87,307,269 pairs of images of different people in LFW, with version 1 of the alignment.
_REID0095_SCORE_AT_FMR = ((0.5, 0.0148), (0.1, 0.1453), (0.01, 0.2713), (0.001, 0.3732), (0.0001, 0.4595))
_REID0095_GENUINE_SCORES = (
    *(-0.008, 0.443, 0.500, 0.534, 0.561, 0.585, 0.607, 0.625, 0.643, 0.658, 0.675),
    *(0.688, 0.704, 0.722, 0.738, 0.754, 0.768, 0.787, 0.809, 0.844, 0.974),
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
        score_at_fmr=_REID0095_SCORE_AT_FMR,
        genuine_scores=_REID0095_GENUINE_SCORES,
        licence="Apache-2.0",
        source="Intel, Open Model Zoo, face-reidentification-retail-0095",
    )


# Likewise.
_FUSED_SCORE_AT_FMR = ((0.5, 0.0569), (0.1, 0.1661), (0.01, 0.2635), (0.001, 0.3406), (0.0001, 0.4116))
_FUSED_GENUINE_SCORES = (
    *(0.029, 0.442, 0.497, 0.532, 0.557, 0.579, 0.597, 0.613, 0.629, 0.643, 0.656),
    *(0.671, 0.684, 0.699, 0.714, 0.730, 0.748, 0.767, 0.789, 0.826, 0.969),
)


def sface_reid0095(*, mirror: bool) -> ModelCard:
    """The mirror image improves `sface`, and not `reid0095`."""
    return fuse(
        "sface+reid0095",
        [(sface(mirror=mirror), 1.0), (reid0095(mirror=False), 0.75)],
        score_at_fmr=_FUSED_SCORE_AT_FMR,
        genuine_scores=_FUSED_GENUINE_SCORES,
    )
