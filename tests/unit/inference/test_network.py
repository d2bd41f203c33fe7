"""OpenVINO computes what torch computes, from the published file and from several threads at once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
import torch

from indexer.embedding.backbones import sface
from indexer.inference.block_quantised import dequantised
from indexer.inference.load import ProcessorLoad
from indexer.inference.network import Network, read
from indexer.weights.locate import locate
from indexer.weights.published import SFACE, YUNET


@pytest.fixture(scope="module")
def network() -> Network:
    model = read(dequantised(locate(SFACE)))
    model.reshape([-1, 3, 112, 112])
    return Network(model, threads=2)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 3, 112, 112)).astype(np.float32)


def test_a_dequantised_network_computes_what_its_torch_module_computes(
    network: Network, faces: np.ndarray
) -> None:
    with torch.inference_mode():
        expected = sface.load(locate(SFACE))(torch.from_numpy(faces)).numpy()

    np.testing.assert_allclose(network.run(faces)[0], expected, atol=1e-4)


def test_threads_that_run_one_network_get_their_own_outputs(network: Network, faces: np.ndarray) -> None:
    expected = [network.run(face[np.newaxis])[0] for face in faces]

    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(lambda i: network.run(faces[i % 5][np.newaxis])[0], range(40)))

    for i, output in enumerate(outputs):
        np.testing.assert_allclose(output, expected[i % 5], atol=1e-4)


@pytest.mark.parametrize("tasks", [1, 2])
def test_a_network_computes_the_same_for_the_only_task_and_for_one_of_several(
    network: Network, faces: np.ndarray, tasks: int
) -> None:
    load = ProcessorLoad()
    model = read(dequantised(locate(SFACE)))
    model.reshape([-1, 3, 112, 112])
    with ExitStack() as held:
        for _ in range(tasks):
            held.enter_context(load.task())
        outputs = Network(model, threads=2, load=load).run(faces)

    np.testing.assert_allclose(outputs[0], network.run(faces)[0], atol=1e-4)


def test_outputs_keep_the_order_of_the_file() -> None:
    model = read(dequantised(locate(YUNET)))
    names = [output.any_name for output in model.outputs]
    model.reshape([1, 3, 64, 96])

    outputs = Network(model, threads=1).run(np.zeros((1, 3, 64, 96), np.float32))

    assert names == [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)]
    assert [output.shape[2] for output in outputs] == [1] * 6 + [4] * 3 + [10] * 3


def test_a_file_that_is_not_onnx_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        read(b"not a network")
