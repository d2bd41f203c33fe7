"""Figures of the published models with version 1 of the alignment, whose landmarks were not refined."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Each as in a `ModelCard`."""

    score_at_fmr: tuple[tuple[float, float], ...]
    fmr_ranges: tuple[tuple[float, float], ...] = ()
    genuine_scores: tuple[float, ...]
    """Over the 3,000 matched pairs of LFW's `pairs.txt`."""


SFACE = Figures(
    # On LFW, LFW degraded and CelebA, one picture of each person: 5,749, 5,749 and 5,427 people.
    score_at_fmr=(
        *((0.5, 0.0857), (0.1, 0.2043), (0.01, 0.3021)),
        *((0.001, 0.3744), (0.0001, 0.4352), (0.00001, 0.4946)),
    ),
    fmr_ranges=(
        *((0.473, 0.553), (0.0836, 0.13), (0.0069, 0.0158)),
        *((0.000575, 0.00191), (0.0000447, 0.000228), (0.00000322, 0.0000252)),
    ),
    genuine_scores=(
        *(0.009, 0.432, 0.488, 0.526, 0.552, 0.574, 0.592, 0.609, 0.627, 0.641, 0.655),
        *(0.669, 0.681, 0.695, 0.709, 0.725, 0.742, 0.763, 0.787, 0.824, 0.960),
    ),
)

SFACE_INT8 = Figures(
    # Over the 87,307,271 pairs of images of different people in LFW.
    score_at_fmr=((0.5, 0.0835), (0.1, 0.2004), (0.01, 0.2963), (0.001, 0.3680), (0.0001, 0.4356)),
    genuine_scores=(
        *(0.004, 0.431, 0.488, 0.526, 0.552, 0.573, 0.592, 0.610, 0.626, 0.641, 0.656),
        *(0.669, 0.681, 0.694, 0.710, 0.726, 0.742, 0.762, 0.787, 0.824, 0.961),
    ),
)

DLIB_RESNET = Figures(
    # Likewise, over 87,307,269 pairs.
    score_at_fmr=((0.5, 0.8490), (0.1, 0.8910), (0.01, 0.9175), (0.001, 0.9337), (0.0001, 0.9457)),
    genuine_scores=(
        *(0.874, 0.926, 0.934, 0.938, 0.942, 0.945, 0.947, 0.949, 0.951, 0.954, 0.956),
        *(0.958, 0.960, 0.962, 0.964, 0.966, 0.968, 0.971, 0.974, 0.979, 0.995),
    ),
)
