"""Which runtime runs a model: by the device, unless the settings name one."""

from typing import Any

import pytest

from indexer.embedding.runtimes.choice import choose
from indexer.errors import Misconfigured

CPU, GPU = (lambda: False), (lambda: True)


@pytest.mark.parametrize(
    ("architecture", "runtime", "device", "gpu", "chosen"),
    [
        ("sface", "auto", None, CPU, "openvino"),
        ("sface", "auto", None, GPU, "torch"),
        ("sface", "auto", "cpu", GPU, "openvino"),
        ("sface", "auto", "cuda:1", CPU, "torch"),
        ("sface", "torch", None, CPU, "torch"),
        ("sface", "torch", "cpu", GPU, "torch"),
        ("sface", "openvino", None, GPU, "openvino"),
        ("sface", "openvino", "cpu", CPU, "openvino"),
        ("dlib-resnet", "auto", None, CPU, "openvino"),
        ("sface-int8", "auto", None, GPU, "openvino"),
        ("reid0095", "auto", None, GPU, "openvino"),
        ("onnx", "auto", None, CPU, "openvino"),
        ("onnx", "auto", None, GPU, "openvino"),
        ("onnx", "auto", "cuda", GPU, "openvino"),
        ("onnx", "openvino", None, GPU, "openvino"),
    ],
)
def test_the_device_decides_unless_the_runtime_is_named(
    architecture: str, runtime: Any, device: str | None, gpu: Any, chosen: str
) -> None:
    assert choose(architecture, runtime=runtime, device=device, gpu=gpu) == chosen


@pytest.mark.parametrize(
    ("architecture", "runtime", "device", "reason"),
    [
        ("sface", "openvino", "cuda", "OpenVINO runs networks on the processor, not on cuda"),
        ("onnx", "openvino", "cuda:0", "OpenVINO runs networks on the processor, not on cuda:0"),
        ("onnx", "torch", None, "torch does not run onnx models: set GEMEL_RUNTIME"),
        ("reid0095", "torch", None, "torch does not run reid0095 models: set GEMEL_RUNTIME"),
        ("sface-int8", "torch", None, "torch does not run sface-int8 models: set GEMEL_RUNTIME"),
    ],
)
def test_an_impossible_combination_is_an_error(
    architecture: str, runtime: Any, device: str | None, reason: str
) -> None:
    with pytest.raises(Misconfigured, match=reason):
        choose(architecture, runtime=runtime, device=device, gpu=GPU)
