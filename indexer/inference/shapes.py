"""One network for inputs of many shapes."""

import math
import threading
from functools import partial
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from indexer.inference.load import ProcessorLoad
from indexer.inference.network import Network

USES_BEFORE_COMPILING = 24
"""To compile YuNet for a shape takes some 100 ms of processor time. For a picture of 640 x 480 and its
reduction it then saves 4 ms of 10."""
USES_BEFORE_HALVING = 1000
"""So often are all counts halved: a shape of which there are fewer than one in a hundred is not compiled."""
KERNELS = 300
"""Those of about six shapes."""
FIXED_ELEMENTS = 400_000
"""What a compiled network takes besides its buffers, as elements of input."""


class ManyShapes:
    """Runs a new shape by a network whose shape is dynamic, and one that recurs by a network compiled for
    it. Both have the same outputs. Safe to call from several threads."""

    def __init__(
        self,
        model: openvino.Model,
        *,
        threads: int,
        load: ProcessorLoad | None = None,
        max_elements: int,
    ) -> None:
        """`model`: with a dynamic shape. `max_elements`: of the inputs of all compiled networks together, by
        which their memory is bounded. The rest as of `Network`, for each."""
        self._model = model
        self._compile = partial(Network, threads=threads, load=load)
        self._dynamic = self._compile(model, kernels=KERNELS)
        self._max_elements = max_elements
        self._compiled: dict[tuple[int, ...], Network] = {}
        self._uses: dict[tuple[int, ...], int] = {}
        self._lock = threading.Lock()

    @property
    def compiled_shapes(self) -> list[tuple[int, ...]]:
        with self._lock:
            return list(self._compiled)

    def run(self, inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """The network's outputs, in the order of its file."""
        shape = inputs.shape
        with self._lock:
            uses = self._count(shape)
            network = self._compiled.get(shape)
            due = network is None and uses % USES_BEFORE_COMPILING == 0 and self._make_room(shape, uses)
            if due:  # the other threads go on with the dynamic shape
                self._compiled[shape] = self._dynamic
        if due:
            network = self._compiled_for(shape)
        return (network or self._dynamic).run(inputs)

    def _count(self, shape: tuple[int, ...]) -> int:
        self._uses[shape] = uses = self._uses.get(shape, 0) + 1
        if sum(self._uses.values()) >= USES_BEFORE_HALVING:
            self._uses = {shape: uses // 2 for shape, uses in self._uses.items() if uses > 1}
        return uses

    def _make_room(self, shape: tuple[int, ...], uses: int) -> bool:
        """Whether there is room, if need be after networks that had at most half as many uses gave way.
        Equally frequent shapes would otherwise displace each other without end."""
        excess = sum(map(_elements, self._compiled)) + _elements(shape) - self._max_elements
        displaced = []
        for other in sorted(self._compiled, key=lambda other: self._uses.get(other, 0)):
            if excess > 0 and 2 * self._uses.get(other, 0) <= uses:
                displaced.append(other)
                excess -= _elements(other)
        if excess > 0:
            return False
        for other in displaced:
            del self._compiled[other]
        return True

    def _compiled_for(self, shape: tuple[int, ...]) -> Network:
        try:
            model = self._model.clone()
            model.reshape(list(shape))
            network = self._compile(model)
        except BaseException:
            with self._lock:
                self._compiled.pop(shape, None)
            raise
        with self._lock:
            if shape in self._compiled:  # not displaced meanwhile
                self._compiled[shape] = network
        return network


def _elements(shape: tuple[int, ...]) -> int:
    return math.prod(shape) + FIXED_ELEMENTS
