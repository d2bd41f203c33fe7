"""Fits the regression of the head for closed eyes, and measures it by five folds over people.

python -m benchmarks.eyes.fit --lfw DIR
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.eyes.faces import lfw_labels, measurer

FOLDS = 5
RIDGE = 0.01
LIMITS = (0.1, 0.18, 0.3, 0.5, 0.7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lfw", type=Path, required=True)
    arguments = parser.parse_args()
    with measurer() as opened:
        faces = list(opened.faces(arguments.lfw, lfw_labels()))
    inputs = np.array([face.measures for face in faces])
    closed = np.array([face.label == "closed" for face in faces])
    names, people = np.unique([face.person for face in faces], return_inverse=True)
    folds = np.random.default_rng(0).integers(0, FOLDS, len(names))[people]
    likely = np.zeros(len(faces))
    for fold in range(FOLDS):
        test = folds == fold
        likely[test] = probabilities(inputs[test], regression(inputs[~test], closed[~test]))
    print("intercept, opening, lid:", *np.round(regression(inputs, closed), 2))
    for label in ("closed", "open", "narrow"):
        own = likely[[face.label == label for face in faces]]
        shares = ", ".join(f"{(own >= limit).mean():.3f} from {limit}" for limit in LIMITS)
        print(f"{label}, {len(own)} faces, taken for closed: {shares}")


def regression(inputs: NDArray[np.float64], closed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Intercept and coefficients of a logistic regression, by Newton's method."""
    scale = inputs.std(axis=0)
    design = np.column_stack([np.ones(len(inputs)), inputs / scale])
    penalty = np.diag([0.0, *[RIDGE] * inputs.shape[1]])
    coefficients = np.zeros(design.shape[1])
    for _ in range(50):
        likely = 1 / (1 + np.exp(-design @ coefficients))
        weights = likely * (1 - likely)
        gradient = design.T @ (likely - closed) + penalty @ coefficients
        coefficients -= np.linalg.solve((design.T * weights) @ design + penalty, gradient)
    return np.asarray(coefficients / [1.0, *scale])


def probabilities(inputs: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-coefficients[0] - inputs @ coefficients[1:])))


if __name__ == "__main__":
    main()
