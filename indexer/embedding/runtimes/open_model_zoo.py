"""Open Model Zoo's face-reidentification-retail-0095, for faces of the ArcFace template.

It was trained on pictures of 96 x 112 pixels that were stretched to 128 x 128, with its landmarks where the
ArcFace template has them without 8 pixels at the left and at the right.
"""

import numpy as np
import openvino
from openvino import opset13 as ops

SIDE_PX = 112
_MARGIN_PX = 8
_STRETCHED_PX = 128


def reid0095(network: openvino.Model) -> openvino.Model:
    """`network`: as published, for one face (1, 3, 128, 128); it becomes part of the result.

    That takes faces of shape (n, 3, 112, 112), float32, BGR, 0 to 255; it returns (n, 256), of any length."""
    network.reshape([-1, 3, _STRETCHED_PX, _STRETCHED_PX])
    faces = ops.parameter([-1, 3, SIDE_PX, SIDE_PX], np.float32, name="faces")
    middle = ops.slice(faces, *_integers([_MARGIN_PX], [SIDE_PX - _MARGIN_PX], [1], [3]))
    stretched = ops.interpolate(
        middle,
        *_integers([_STRETCHED_PX, _STRETCHED_PX]),
        mode="linear_onnx",
        shape_calculation_mode="sizes",
        axes=_integers([2, 3])[0],
    )
    for reader in network.inputs[0].get_target_inputs():
        reader.replace_source_output(stretched.output(0))
    embedding = network.outputs[0].get_node().input_value(0)
    return openvino.Model(
        [ops.reshape(embedding, *_integers([0, -1]), special_zero=True)], [faces], "reid0095"
    )


def _integers(*vectors: list[int]) -> list[openvino.Node]:
    return [ops.constant(np.array(vector, np.int64)) for vector in vectors]
