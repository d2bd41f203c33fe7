"""The Siamese network of the contrastive loss, trained from scratch; named `paper`.

Aligned faces of 224 x 224 pixels, scaled to [0, 1], pass layers of convolution and pooling, then two fully
connected layers. The contrastive loss shapes the distances of the embeddings (Hadsell, Chopra and LeCun 2006;
Koch, Zemel and Salakhutdinov 2015 for Siamese networks). The widths are Gemel's own, and so is the batch
normalisation after each convolution, without which the network hardly learns on a CPU.
"""

import torch
from torch import Tensor, nn

_CHANNELS = (16, 32, 64, 128, 256)
_HIDDEN = 256
_FLAT = torch.contiguous_format


class ContrastiveNetwork(nn.Module):
    """Faces in, shape (n, 3, 224, 224), RGB, 0 to 255; embeddings out, shape (n, dimension), any length."""

    def __init__(self, dimension: int = 128) -> None:
        super().__init__()
        first, *rest = _CHANNELS
        layers: list[nn.Module] = [_convolution(3, first, kernel=7, stride=2), nn.MaxPool2d(2)]
        before = first
        for channels in rest[:-1]:
            layers += [_convolution(before, channels), nn.MaxPool2d(2)]
            before = channels
        layers.append(_convolution(before, rest[-1]))
        self.features = nn.Sequential(*layers)
        self.fc1 = nn.Linear(rest[-1] * 7 * 7, _HIDDEN)
        self.fc2 = nn.Linear(_HIDDEN, dimension)

    def forward(self, faces: Tensor) -> Tensor:
        x = self.features(faces / 255.0)
        # Channels-last tensors flatten in another order.
        x = x.contiguous(memory_format=_FLAT).flatten(1)
        embedding: Tensor = self.fc2(nn.functional.relu(self.fc1(x)))
        return embedding


def _convolution(channels_in: int, channels_out: int, *, kernel: int = 3, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )
