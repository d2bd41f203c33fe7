"""What a face is compared with: other pictures of the same person.

Neutral ones where there are some. Otherwise the mean over all expressions of the person, in which each
expression weighs the same, that of the face itself included where there is another picture of it: somebody
who enrols does not avoid the expression that they will have later. Without that, the reference would give
away which expression is missing from it.
"""

import numpy as np
from numpy.typing import NDArray

NEUTRAL = "neutral"


def references(
    features: NDArray[np.float32], people: NDArray[np.str_], expressions: NDArray[np.str_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The reference of each row of `features` (n, dimension), and whether it has one, (n,); zeros without.

    There is none for the only neutral picture of a person, nor for a person with a single expression."""
    found = np.zeros(len(features), np.bool_)
    rows = np.zeros_like(features)
    for row, person in enumerate(people):
        others = (people == person) & (np.arange(len(features)) != row)
        neutral = others & (expressions == NEUTRAL)
        if neutral.any():
            rows[row], found[row] = features[neutral].mean(axis=0), True
            continue
        shown = np.unique(expressions[others])
        if len({*shown, expressions[row]}) > 1 and expressions[row] != NEUTRAL:
            rows[row] = np.mean(
                [features[others & (expressions == name)].mean(axis=0) for name in shown], axis=0
            )
            found[row] = True
    return rows, found
