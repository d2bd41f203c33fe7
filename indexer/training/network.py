"""The network of a run: before its first step, while it learns, and the one that is saved."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from indexer.embedding.backbones import registry
from indexer.errors import InvalidRequest
from indexer.training.options import Options


def initial(options: Options) -> tuple[nn.Module, list[nn.Module]]:
    """The network before its first step, and its frozen stages.

    Raises WeightsMissing, WeightsDamaged, InvalidRequest if the options do not fit the backbone.
    """
    torch.manual_seed(options.seed)
    if registry.BACKBONES[options.backbone].published is None:
        network = registry.BACKBONES[options.backbone].make(options.dimension)
    else:
        network = registry.published(options.backbone, options.dimension)
    if options.centre:
        registry.shift(network, torch.zeros(options.dimension))  # raises if the backbone cannot be shifted
    stages = registry.stages(network)
    if options.freeze >= len(stages):
        raise InvalidRequest(f"freeze: {options.backbone} has {len(stages)} stages, and one has to learn")
    for stage in stages[: options.freeze]:
        stage.requires_grad_(requires_grad=False)
    return network, stages[: options.freeze]


def set_training_mode(network: nn.Module, frozen: Sequence[nn.Module], *, frozen_statistics: bool) -> None:
    """Except for the frozen stages and, with `frozen_statistics`, all batch normalisations."""
    network.train()
    for stage in frozen:
        stage.eval()
    for module in network.modules() if frozen_statistics else ():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.eval()


def blended(network: nn.Module, initial_state: dict[str, Tensor], share: float) -> nn.Module:
    """A network with the initial weights plus `share` of their change (WiSE-FT, Wortsman et al. 2022)."""
    if share == 1.0:
        return network
    result = copy.deepcopy(network)
    with torch.no_grad():
        for name, tensor in result.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.lerp(initial_state[name], tensor, share))
    return result
