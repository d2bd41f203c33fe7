"""Weights in int8: they fit the arithmetic of every processor, and keep the mean of the output."""

import numpy as np
import pytest

from indexer.embedding.int8.quantise import LARGEST_PAIR, corrected_bias, quantised
from indexer.embedding.int8.units import Unit


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(64, 32, 1), (8, 16, 49)])
def test_two_neighbouring_products_fit_into_16_bits(
    rng: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    weights = rng.standard_normal(shape).astype(np.float32)
    weights[0].flat[:2] = 9.0, -9.0

    values = np.abs(quantised(weights).values.reshape(len(weights), -1).astype(int))

    pairs = values[:, 0::2] + values[:, 1::2]
    assert pairs.max() <= LARGEST_PAIR
    assert pairs.max(axis=1).min() > LARGEST_PAIR - 4, "no range is wasted"


def test_weights_are_rounded_to_the_nearest_value(rng: np.random.Generator) -> None:
    weights = rng.standard_normal((16, 1, 9)).astype(np.float32)

    rounded = quantised(weights)

    assert rounded.values.dtype == np.int8
    assert np.abs(rounded.values.astype(int)).max(axis=(1, 2)).tolist() == [127] * 16
    assert np.all(np.abs(rounded.as_float - weights) <= rounded.scale * 0.501)


def test_weights_of_zero_stay_zero() -> None:
    assert not quantised(np.zeros((2, 4, 1), np.float32)).as_float.any()


@pytest.mark.parametrize("channels", [1, 12])
def test_the_corrected_bias_keeps_the_output_of_the_mean_input(
    rng: np.random.Generator, channels: int
) -> None:
    weights = rng.standard_normal((12, channels, 9)).astype(np.float32)
    unit = Unit(name="one", weights=weights, bias=np.ones(12, np.float32), slopes=np.ones(12, np.float32))
    mean = rng.uniform(1, 2, 12).astype(np.float32)
    rounded = quantised(weights)

    bias = corrected_bias(unit, rounded, mean)

    def output(weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        summed = weights.sum(axis=2)
        return np.asarray((summed[:, 0] * mean if channels == 1 else summed @ mean) + bias)

    np.testing.assert_allclose(output(rounded.as_float, bias), output(weights, unit.bias), atol=1e-4)
    assert np.abs(output(rounded.as_float, unit.bias) - output(weights, unit.bias)).max() > 1e-3
