"""A network that is compiled for this machine's processor, shared by all threads that run it."""

import threading
from functools import cache, partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import properties

from indexer.inference.load import ProcessorLoad

Precision = Literal["float32", "bfloat16"]
_TYPES = {"float32": openvino.Type.f32, "bfloat16": openvino.Type.bf16}


def read(source: Path | bytes, inner: str | None = None) -> openvino.Model:
    """The network of an ONNX file, or of a frozen graph of TensorFlow (`.pb`). `inner`: the name of a tensor
    inside that becomes its last output.

    Raises RuntimeError if it is none, or has an unknown operation."""
    model = _core().read_model(source if isinstance(source, bytes) else str(source))
    if inner is not None:
        model.add_outputs(inner)
    return model


def read_tflite(weights: bytes) -> openvino.Model:
    """The network of a file of TensorFlow Lite. Raises RuntimeError if it is none, or has an unknown
    operation."""
    with NamedTemporaryFile(suffix=".tflite") as file:  # OpenVINO reads this format from files only
        file.write(weights)
        file.flush()
        return _core().read_model(file.name)


def read_ir(graph: bytes, weights: bytes) -> openvino.Model:
    """The network of the two files of OpenVINO's own format. Raises RuntimeError."""
    return _core().read_model(graph, weights)


class Network:
    """Safe to call from several threads."""

    def __init__(
        self,
        model: openvino.Model,
        *,
        threads: int,
        load: ProcessorLoad | None = None,
        precision: Precision = "float32",
        kernels: int | None = None,
    ) -> None:
        """`threads`: that one input gets while `load` has no other task. Otherwise, and without a `load`,
        an input gets one thread, and as many run at once: two threads take a sixth more of processor time
        for an input than one.
        `precision`: of the arithmetic; int8 is in the model itself. `bfloat16` is float32 on a processor
        without it, where OpenVINO would simulate it in nearly three times the time.
        `kernels`: how many kernels a model with a dynamic shape keeps for shapes that it had; OpenVINO's own
        limit, 5,000, is 700 MB for a detector."""
        settings = {
            # OpenVINO would take bfloat16 where the processor has it: embeddings would differ by machine.
            properties.hint.inference_precision: _TYPES[precision if _has(precision) else "float32"],
            properties.inference_num_threads: threads,
        }
        if kernels is not None:
            settings["CPU_RUNTIME_CACHE_CAPACITY"] = kernels
        several = settings | {properties.num_streams: threads}
        self._for_several: _Compiled | None = None
        self._for_one: _Compiled | None = None
        self._load = load
        self._compile_for_several = partial(_Compiled, model, several)
        self._lock = threading.Lock()
        if load is not None and threads > 1:
            self._for_one = _Compiled(model, settings | {properties.num_streams: 1})
        else:
            self._for_several = self._compile_for_several()

    def run(self, inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """The network's outputs, in the order of its file."""
        alone = self._for_one
        if alone is None or (self._load is not None and self._load.is_shared):
            return self._shared().run(inputs)
        return alone.run(inputs)

    def _shared(self) -> "_Compiled":
        """For several tasks; compiled when there first are several, for it takes memory of its own."""
        with self._lock:
            if self._for_several is None:
                self._for_several = self._compile_for_several()
            return self._for_several


class _Compiled:
    """A network with its buffers, of which there are as many as simultaneous runs."""

    def __init__(self, model: openvino.Model, settings: dict[Any, Any]) -> None:
        self._compiled = _core().compile_model(model, "CPU", settings)
        self._idle: list[openvino.InferRequest] = []
        self._lock = threading.Lock()

    def run(self, inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        with self._lock:
            request = self._idle.pop() if self._idle else None
        request = request or self._compiled.create_infer_request()
        try:
            request.infer({0: inputs}, share_inputs=True)
            return [output.data.copy() for output in request.output_tensors]
        finally:
            with self._lock:
                self._idle.append(request)


def _has(precision: Precision) -> bool:
    return precision == "float32" or "BF16" in _core().get_property("CPU", properties.device.capabilities)


@cache
def _core() -> openvino.Core:
    return openvino.Core()


# Every run converts types. The first conversion builds a table; two threads that begin it together would wait
# for each other for ever, one for the table and one for the interpreter's lock.
openvino.Type.f32.to_dtype()
