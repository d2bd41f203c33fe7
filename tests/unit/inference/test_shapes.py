"""A network for many shapes compiles those that recur, within a bound, and computes the same for all."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openvino
import openvino.opset13 as ops
import pytest
from numpy.typing import NDArray

from indexer.inference import shapes
from indexer.inference.shapes import FIXED_ELEMENTS, USES_BEFORE_COMPILING, ManyShapes


def network(*, compiled: int, side: int = 8) -> ManyShapes:
    """Doubles its inputs (1, side, side); `compiled`: for how many shapes it has room."""
    given = ops.parameter([1, -1, -1], np.float32)
    model = openvino.Model([ops.result(ops.add(given, given))], [given], "doubled")
    return ManyShapes(model, threads=1, max_elements=compiled * (side * side + FIXED_ELEMENTS))


def square(side: int) -> NDArray[np.float32]:
    return np.random.default_rng(side).random((1, side, side), np.float32)


def use(network: ManyShapes, side: int, times: int) -> None:
    for _ in range(times):
        np.testing.assert_array_equal(network.run(square(side))[0], 2 * square(side))


def test_a_shape_is_compiled_once_it_recurs() -> None:
    doubled = network(compiled=2)

    use(doubled, 4, USES_BEFORE_COMPILING - 1)
    assert doubled.compiled_shapes == []
    use(doubled, 4, 3)

    assert doubled.compiled_shapes == [(1, 4, 4)]


def test_shapes_that_come_once_each_are_not_compiled() -> None:
    doubled = network(compiled=2)

    for side in range(1, 200):
        use(doubled, side, 1)

    assert doubled.compiled_shapes == []


def test_a_shape_that_is_rarer_than_one_in_a_hundred_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "USES_BEFORE_HALVING", 100)
    doubled = network(compiled=2, side=64)

    for _ in range(USES_BEFORE_COMPILING * 3):
        use(doubled, 1, 1)  # one in 31
        for side in range(2, 32):
            use(doubled, side, 1)

    assert doubled.compiled_shapes == []


def test_the_least_used_shape_gives_way_to_one_that_is_used_twice_as_often() -> None:
    doubled = network(compiled=2)
    use(doubled, 4, 2 * USES_BEFORE_COMPILING)
    use(doubled, 5, USES_BEFORE_COMPILING)

    use(doubled, 6, 2 * USES_BEFORE_COMPILING)

    assert doubled.compiled_shapes == [(1, 4, 4), (1, 6, 6)]


def test_equally_frequent_shapes_do_not_displace_each_other() -> None:
    doubled = network(compiled=2)
    for _ in range(USES_BEFORE_COMPILING):
        for side in (4, 5, 6, 7):
            use(doubled, side, 1)
    first = doubled.compiled_shapes

    for _ in range(20 * USES_BEFORE_COMPILING):
        for side in (4, 5, 6, 7):
            use(doubled, side, 1)
            assert doubled.compiled_shapes == first


def test_a_shape_that_is_no_longer_used_gives_way() -> None:
    doubled = network(compiled=1)
    use(doubled, 4, 10 * USES_BEFORE_COMPILING)

    use(doubled, 5, 2 * shapes.USES_BEFORE_HALVING)

    assert doubled.compiled_shapes == [(1, 5, 5)]


def test_a_shape_that_is_larger_than_the_bound_runs_and_displaces_no_other() -> None:
    doubled = network(compiled=1)
    use(doubled, 4, USES_BEFORE_COMPILING)

    use(doubled, 16, 2 * USES_BEFORE_COMPILING)

    assert doubled.compiled_shapes == [(1, 4, 4)]


def test_threads_share_one_network_and_get_their_own_outputs() -> None:
    doubled = network(compiled=3)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda turn: use(doubled, 4 + turn % 3, 1), range(6 * USES_BEFORE_COMPILING)))

    assert sorted(doubled.compiled_shapes) == [(1, 4, 4), (1, 5, 5), (1, 6, 6)]
