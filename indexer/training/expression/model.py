"""A small head on features: of a face alone, or a Siamese one that takes the difference of two faces."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.training.loss.contrastive import contrastive_loss, distance_space

PROJECTED = 32
DROPOUT = 0.3
LABEL_SMOOTHING = 0.1
CONTRASTIVE_WEIGHT = 0.5
MARGIN = 1.2
BATCH = 128
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-2
EPSILON = 1e-6
"""Under the square root, whose slope at 0 is infinite."""


class SmallHead(nn.Module):
    """Standardises features, projects them by shared weights, and classifies the projection of the face, or
    what it differs by from that of the reference."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, dimension: int, expressions: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dimension))
        self.register_buffer("deviation", torch.ones(dimension))
        self.projection = nn.Linear(dimension, PROJECTED)
        self.classifier = nn.Linear(PROJECTED, expressions)
        self.dropout = nn.Dropout(DROPOUT)

    def project(self, features: Tensor) -> Tensor:
        projected: Tensor = self.projection(self.dropout((features - self.mean) / self.deviation))
        return projected

    def embed(self, faces: Tensor, references: Tensor | None) -> Tensor:
        """Shape (n, PROJECTED)."""
        own = self.project(faces)
        return own if references is None else own - self.project(references)

    def forward(self, faces: Tensor, references: Tensor | None = None) -> Tensor:
        """Logits, shape (n, expressions)."""
        logits: Tensor = self.classifier(self.embed(faces, references))
        return logits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Of training: the faces and their mirror images are rows of their own."""

    faces: NDArray[np.float32]
    references: NDArray[np.float32] | None
    """Rows that belong to `faces`; None for a head of the face alone."""
    labels: NDArray[np.int64]


def fit(examples: Examples, expressions: int, *, steps: int, seed: int) -> SmallHead:
    """The same examples, steps and seed give the same weights on the same machine."""
    faces, labels = torch.from_numpy(examples.faces), torch.from_numpy(examples.labels)
    references = None if examples.references is None else torch.from_numpy(examples.references)
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = SmallHead(faces.shape[1], expressions)
        head.mean.copy_(faces.mean(dim=0))
        head.deviation.copy_(faces.std(dim=0) + 1e-3)
        optimiser = torch.optim.AdamW(head.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        for _ in range(steps):
            drawn = torch.randint(len(labels), (BATCH,))
            embedded = head.embed(faces[drawn], None if references is None else references[drawn])
            loss = _loss(embedded, head.classifier(embedded), labels[drawn])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return head.eval()


@contextmanager
def _one_thread() -> Iterator[None]:
    """For matrices this small more threads only wait for each other; and the sums come in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def probabilities(
    head: SmallHead, faces: NDArray[np.float32], references: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Shape (n, expressions)."""
    with torch.inference_mode():
        compared = None if references is None else torch.from_numpy(references)
        return np.asarray(head(torch.from_numpy(faces), compared).softmax(dim=1), np.float32)


def _loss(embedded: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy, and the contrastive loss over all pairs of the batch, those of one expression together
    as heavy as all others."""
    entropy = nn.functional.cross_entropy(logits, labels, label_smoothing=LABEL_SMOOTHING)
    first, second = torch.triu_indices(len(labels), len(labels), offset=1)
    space = distance_space(embedded, "cosine")
    distances = (2 - 2 * space @ space.T).clamp_min(EPSILON).sqrt()  # d^2 = 2 - 2 cos
    same = (labels[first] == labels[second]).float()
    losses = contrastive_loss(distances[first, second], same, MARGIN)
    pairs = (losses * same).sum() / same.sum().clamp_min(1) + (losses * (1 - same)).sum() / (
        1 - same
    ).sum().clamp_min(1)
    return entropy + CONTRASTIVE_WEIGHT * pairs
