"""The contrastive loss equals its formula, and that of another library."""

import math

import pytest
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import ContrastiveLoss
from pytorch_metric_learning.reducers import DoNothingReducer

from indexer.training.loss.contrastive import contrastive_loss, distance_space, pairwise

MARGIN = 1.1


def test_the_loss_equals_the_formula_at_known_angles() -> None:
    """Points of the unit circle that are an angle a apart are 2 sin(a / 2) from one another."""
    angles = [0.0, 0.1, 0.9, 2.0, math.pi]
    same = [1, 0, 1, 0, 0]
    first = torch.tensor([[1.0, 0.0]] * len(angles))
    second = torch.tensor([[math.cos(a), math.sin(a)] for a in angles])

    losses = contrastive_loss(pairwise(first, second), torch.tensor(same, dtype=torch.float32), MARGIN)

    wanted = []
    for angle, y in zip(angles, same, strict=True):
        d = 2 * math.sin(angle / 2)
        wanted.append(y * d**2 + (1 - y) * max(0.0, MARGIN - d) ** 2)
    assert losses.tolist() == pytest.approx(wanted, abs=1e-5)
    assert losses[3:].tolist() == [0.0, 0.0], "further apart than the margin: left alone"


def test_the_loss_equals_that_of_pytorch_metric_learning() -> None:
    """Whose two halves are not squared: of squared distances its first half is ours, and of plain ones its
    second is the root of ours."""
    torch.manual_seed(0)
    vectors, people = torch.randn(12, 5), torch.arange(12) // 3
    first, second = torch.triu_indices(12, 12, offset=1)
    unit = distance_space(vectors, "cosine")
    distance = pairwise(unit[first], unit[second])
    same = (people[first] == people[second]).float()
    ours = contrastive_loss(distance, same, MARGIN)

    def theirs(power: int) -> dict[str, torch.Tensor]:
        loss = ContrastiveLoss(
            pos_margin=0.0,
            neg_margin=MARGIN,
            distance=LpDistance(normalize_embeddings=True, p=2, power=power),
            reducer=DoNothingReducer(),
        )
        found = loss(vectors, people)
        return {half: found[f"{half}_loss"]["losses"] for half in ("pos", "neg")}

    # Theirs goes over each pair in both directions.
    assert theirs(2)["pos"].sum().item() == pytest.approx(2 * ours[same > 0].sum().item(), rel=1e-5)
    assert theirs(1)["neg"].square().sum().item() == pytest.approx(2 * ours[same == 0].sum().item(), rel=1e-5)


def test_the_gradient_is_finite_for_equal_embeddings() -> None:
    point = torch.ones(1, 4, requires_grad=True)
    contrastive_loss(pairwise(point, torch.ones(1, 4)), torch.zeros(1), MARGIN).sum().backward()
    assert point.grad is not None
    assert torch.isfinite(point.grad).all()


def test_euclidean_distances_depend_on_lengths_and_cosine_distances_do_not() -> None:
    vectors = torch.tensor([[3.0, 0.0], [0.0, 0.5]])
    assert pairwise(*distance_space(vectors, "euclidean").split(1)).item() == pytest.approx(
        math.hypot(3, 0.5)
    )
    assert pairwise(*distance_space(vectors, "cosine").split(1)).item() == pytest.approx(math.sqrt(2))
