"""SFace as a torch module, and the reader of its published file, which is block-quantised."""

from pathlib import Path

import torch
from torch import Tensor, nn

from indexer.errors import WeightsDamaged
from indexer.inference.block_quantised import read_arrays

_BLOCKS = (
    # channels in, channels out, stride of the depthwise convolution
    (32, 64, 1),
    (64, 128, 2),
    (128, 128, 1),
    (128, 256, 2),
    (256, 256, 1),
    (256, 512, 2),
    (512, 512, 1),
    (512, 512, 1),
    (512, 512, 1),
    (512, 512, 1),
    (512, 512, 1),
    (512, 1024, 2),
    (1024, 1024, 1),
)


class SFace(nn.Module):
    """SFace's MobileNet (Zhong et al. 2021): 27 convolutions and one fully connected layer.

    Faces in, shape (n, 3, 112, 112), RGB, 0 to 255; embeddings out, shape (n, 128), of any length.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = ConvUnit(3, 32, kernel=3)
        self.blocks = nn.Sequential(*(DepthwiseBlock(*block) for block in _BLOCKS))
        self.bn1 = nn.BatchNorm2d(1024, eps=2e-5)
        self.pre_fc1 = nn.Linear(1024 * 7 * 7, 128)
        self.fc1 = nn.BatchNorm1d(128, eps=2e-5)

    def forward(self, faces: Tensor) -> Tensor:
        x = (faces - 127.5) / 128.0
        x = self.bn1(self.blocks(self.conv_1(x)))
        # Channels-last tensors flatten in another order; the weights expect channels first.
        x = x.contiguous(memory_format=torch.contiguous_format).flatten(1)
        embedding: Tensor = self.fc1(self.pre_fc1(x))
        return embedding


class ConvUnit(nn.Module):
    """Convolution without bias, batch normalisation, PReLU."""

    def __init__(
        self, channels_in: int, channels_out: int, *, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in, channels_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False
        )
        self.bn: nn.Module = nn.BatchNorm2d(channels_out, eps=1e-3)
        self.relu = nn.PReLU(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn(self.conv(x)))
        return out


class DepthwiseBlock(nn.Module):
    """A 3x3 convolution within each channel, then a 1x1 across them."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.dw = ConvUnit(channels_in, channels_in, kernel=3, stride=stride, groups=channels_in)
        self.pw = ConvUnit(channels_in, channels_out, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pw(self.dw(x))
        return out


def fold_batch_norms(backbone: nn.Module) -> nn.Module:
    """Folds each unit's normalisation into its convolution, for inference: the function stays the same.

    y = g (w x - m) / sqrt(v + e) + b is one convolution with weights w g / sqrt(v + e) and bias
    b - m g / sqrt(v + e). Changes and returns `backbone`, which must be in eval mode, and may have no such
    units.
    """
    for unit in backbone.modules():
        if isinstance(unit, ConvUnit) and isinstance(unit.bn, nn.BatchNorm2d):
            unit.conv = torch.nn.utils.fusion.fuse_conv_bn_eval(unit.conv, unit.bn)
            unit.bn = nn.Identity()
    return backbone


def load(path: Path) -> SFace:
    """With the weights of the ONNX file at `path`, in eval mode, float32. Raises WeightsDamaged."""
    arrays = read_arrays(path)
    backbone = SFace().eval()
    state = {}
    for name, tensor in backbone.state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = tensor
            continue
        array = arrays[onnx_name(name)]
        if array.size != tensor.numel():
            raise WeightsDamaged(f"{name}: {array.shape} in the file, {tuple(tensor.shape)} expected")
        state[name] = torch.from_numpy(array.reshape(tensor.shape).copy())
    backbone.load_state_dict(state)
    return backbone


_ONNX_PARTS = {
    "conv.weight": "conv2d_weight",
    "bn.weight": "batchnorm_gamma",
    "bn.bias": "batchnorm_beta",
    "bn.running_mean": "batchnorm_moving_mean",
    "bn.running_var": "batchnorm_moving_var",
    "relu.weight": "relu_gamma",
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_var",
}


def onnx_name(name: str) -> str:
    """`blocks.0.dw.bn.bias` is `conv_2_dw_batchnorm_beta` in the file."""
    if name.startswith("pre_fc1."):
        return name.replace(".", "_")
    if name.startswith("blocks."):
        _, number, kind, part = name.split(".", 3)
        unit = f"conv_{int(number) + 2}" + ("_dw" if kind == "dw" else "")
    else:
        unit, part = name.split(".", 1)
    return f"{unit}_{_ONNX_PARTS[part]}"
