"""As many pairs of two people as of one person, chosen by the kind of mining."""

from typing import get_args

import numpy as np
import pytest
import torch

from indexer.training.loss.pairs import Negatives, choose


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    vectors = torch.randn(14, 6)
    people = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 5, 6, 7, 8])
    return torch.cdist(vectors, vectors), people


def pairs_of(
    batch: tuple[torch.Tensor, torch.Tensor], kind: Negatives, seed: int = 0
) -> list[tuple[int, int, int]]:
    first, second, same = choose(*batch, kind, torch.Generator().manual_seed(seed))
    return [(int(a), int(b), int(y)) for a, b, y in zip(first, second, same, strict=True)]


@pytest.mark.parametrize("kind", get_args(Negatives))
def test_half_of_the_pairs_are_of_one_person_and_half_of_two(
    batch: tuple[torch.Tensor, torch.Tensor], kind: Negatives
) -> None:
    people = batch[1].tolist()
    chosen = pairs_of(batch, kind)

    assert sum(y for _, _, y in chosen) == len(chosen) / 2 == 3 + 3, "three pairs, and three of three faces"
    assert all((people[a] == people[b]) == bool(y) for a, b, y in chosen)
    assert all(a != b for a, b, _ in chosen)


def test_hardest_and_semihard_pairs_equal_those_of_a_plain_loop(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    distances, people = batch[0].numpy(), batch[1].numpy()
    for kind in ("hardest", "semihard"):
        chosen = pairs_of(batch, kind)
        half = len(chosen) // 2
        for (anchor, twin, _), (again, other, _) in zip(chosen[:half], chosen[half:], strict=True):
            assert anchor == again
            strangers = [int(i) for i in np.flatnonzero(people != people[anchor])]
            wanted = min(strangers, key=lambda i: distances[anchor, i])
            if kind == "semihard":
                further = [i for i in strangers if distances[anchor, i] > distances[anchor, twin]]
                wanted = (
                    min(further, key=lambda i: distances[anchor, i])
                    if further
                    else max(strangers, key=lambda i: distances[anchor, i])
                )
            assert other == wanted, kind


def test_without_a_stranger_beyond_the_other_face_the_furthest_is_chosen() -> None:
    places = torch.tensor([[0.0], [10.0], [1.0], [2.0]])
    chosen = pairs_of((torch.cdist(places, places), torch.tensor([0, 0, 1, 2])), "semihard")
    assert chosen == [(0, 1, 1), (0, 3, 0)]


def test_random_pairs_depend_only_on_the_generator(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert pairs_of(batch, "random", 1) == pairs_of(batch, "random", 1)
    assert len({tuple(pairs_of(batch, "random", seed)) for seed in range(20)}) > 10


@pytest.mark.parametrize("people", [[0, 1, 2], [0, 0, 0]])
def test_a_batch_without_genuine_pairs_or_without_strangers_has_no_pairs(people: list[int]) -> None:
    assert pairs_of((torch.rand(3, 3), torch.tensor(people)), "random") == []
