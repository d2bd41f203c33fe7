"""Mining: the pairs of a batch that the loss uses, as many of two people as of one person."""

from typing import Literal

import torch
from torch import Tensor

Negatives = Literal["random", "semihard", "hardest"]


def choose(
    distances: Tensor, people: Tensor, negatives: Negatives, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """The indices of the first and the second face of each pair, and y, 1 for one person; each of shape (m,).

    `distances` (n, n): between all embeddings of the batch; `people` (n,): the person of each. All pairs of
    one person are used. For each, the first face is paired with a face of another person as well, so half of
    the pairs are of each kind:

    - `random`: any face of another person.
    - `semihard`: the nearest face that is further away than the person's other face; if there is none, the
      furthest of all (Schroff, Kalenichenko and Philbin 2015, sec. 3.2).
    - `hardest`: the nearest face.
    """
    same = people[:, None] == people[None, :]
    first, second = torch.triu(same, diagonal=1).nonzero(as_tuple=True)
    if not len(first) or bool(same.all()):
        nothing = torch.empty(0, dtype=torch.long, device=distances.device)
        return nothing, nothing, nothing.float()
    strangers = ~same[first]
    if negatives == "random":
        order = torch.rand(strangers.shape, generator=generator).to(distances.device)
        other = order.masked_fill(~strangers, -1.0).argmax(dim=1)
    else:
        away = distances[first].masked_fill(~strangers, torch.inf)
        other = away.argmin(dim=1)
        if negatives == "semihard":
            further = away.masked_fill(away <= distances[first, second][:, None], torch.inf)
            furthest = distances[first].masked_fill(~strangers, -torch.inf).argmax(dim=1)
            other = torch.where(further.isfinite().any(dim=1), further.argmin(dim=1), furthest)
    y = torch.cat([torch.ones(len(first)), torch.zeros(len(first))]).to(distances.device)
    return torch.cat([first, first]), torch.cat([second, other]), y
