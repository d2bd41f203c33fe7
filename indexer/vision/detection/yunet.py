"""YuNet (Wu et al. 2023): detects faces in a picture at one size. `detect` chooses the sizes.

The answers are those of `cv2.FaceDetectorYN`, in less time; `benchmarks/detection/equality.py` compares them.
"""

from pathlib import Path

import cv2
import numpy as np
import openvino
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat, PrePostProcessor

from indexer.inference.block_quantised import dequantised
from indexer.inference.load import ProcessorLoad
from indexer.inference.network import read
from indexer.inference.shapes import ManyShapes
from indexer.types import Box, Face, Image

# Callers have threads of their own; OpenCV's would compete with them and with the networks'.
cv2.setNumThreads(1)

MIN_SIDE_PX = 64
"""Smaller pictures are padded to this side. If a side is 32 or less, YuNet's coarsest map is one cell wide;
OpenCV then misreads the outputs and reports faces that are noise."""
STRIDES = (8, 16, 32)
"""Pixels a cell of each map, in the order of the outputs."""
DIVISOR = 32
"""A picture is padded at its right and lower side with zeros, so that its sides divide by this."""
GREY = 127
SAME_FACE = 0.3
"""Intersection over union of two boxes of which only the more confident one is kept."""
MAX_BOXES = 5000
MAX_COMPILED_PX = 1_500_000
"""Of all networks that are compiled for a size: some 100 MB for each thread, and as much again for the only
task. Room for one of 1024 x 1024, or for three of 640 x 480."""


class YuNet:
    """Safe to call from several threads, which share it."""

    def __init__(
        self, weights: Path, *, min_confidence: float, threads: int = 1, load: ProcessorLoad | None = None
    ) -> None:
        """`threads` and `load`: as of `Network`."""
        self._network = ManyShapes(
            read_model(weights), threads=threads, load=load, max_elements=3 * MAX_COMPILED_PX
        )
        self.min_confidence = min_confidence

    def detect(self, image: Image, *, border: float = 0.0, min_confidence: float | None = None) -> list[Face]:
        """The faces in `image`, shape (height, width, 3), RGB, in its pixels.

        `border`: width of a grey border on each side, as a share of the picture's side. `min_confidence`:
        other than the network's; a lower one costs no time.
        """
        least = self.min_confidence if min_confidence is None else min_confidence
        height, width = image.shape[:2]
        left, top = round(border * width), round(border * height)
        bordered_height = max(height + 2 * top, MIN_SIDE_PX)
        bordered_width = max(width + 2 * left, MIN_SIDE_PX)
        pixels = np.zeros((1, _padded(bordered_height), _padded(bordered_width), 3), np.float32)
        if (bordered_height, bordered_width) != (height, width):
            pixels[:, :bordered_height, :bordered_width] = GREY
        pixels[0, top : top + height, left : left + width] = image
        scores, boxes, points = (output[0] for output in self._network.run(pixels))
        found = np.flatnonzero(scores >= np.float32(least))
        if not len(found):
            return []
        stride, column, row = _cells(found, pixels.shape[1], pixels.shape[2])
        corner, sides = _corners_and_sides(boxes[found], stride, column, row)
        landmarks = (points[found].reshape(-1, 5, 2) + np.stack([column, row], 1)[:, None]) * stride[:, None]
        offset = np.array([left, top], np.float32)
        return [
            Face(
                box=Box(
                    x=float(corner[i, 0]) - left,
                    y=float(corner[i, 1]) - top,
                    width=float(sides[i, 0]),
                    height=float(sides[i, 1]),
                ),
                landmarks=landmarks[i] - offset,
                confidence=float(scores[found[i]]),
            )
            for i in self._most_confident(corner, sides, scores[found], least)
        ]

    def _most_confident(
        self,
        corner: NDArray[np.float32],
        sides: NDArray[np.float32],
        scores: NDArray[np.float32],
        min_confidence: float,
    ) -> NDArray[np.intp]:
        """Non-maximum suppression, on boxes of whole pixels as `cv2.FaceDetectorYN`."""
        if len(scores) == 1:
            return np.zeros(1, np.intp)
        boxes = np.concatenate([corner, sides], axis=1).astype(np.int32)
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), min_confidence, SAME_FACE, top_k=MAX_BOXES)
        return np.asarray(kept, np.intp)


def read_model(weights: Path) -> openvino.Model:
    """The network with an input (1, height, width, 3), RGB, 0 to 255, float32, whose sides divide by
    `DIVISOR`, and the outputs scores (1, n), boxes (1, n, 4) and landmarks (1, n, 10), n being the cells of
    all strides, row by row."""
    published = PrePostProcessor(read(dequantised(weights)))
    # OpenVINO puts the order of the colours into the first weights, and has the layout inside anyway.
    published.input().tensor().set_layout(openvino.Layout("NHWC")).set_color_format(ColorFormat.RGB)
    published.input().model().set_layout(openvino.Layout("NCHW"))
    published.input().preprocess().convert_color(ColorFormat.BGR)
    model = published.build()
    maps = {output.any_name: output.get_node().input_value(0) for output in model.outputs}
    classes, objects, boxes, points = (
        ops.concat([maps[f"{kind}_{stride}"] for stride in STRIDES], axis=1)
        for kind in ("cls", "obj", "bbox", "kps")
    )
    scores = ops.sqrt(ops.multiply(ops.clamp(classes, 0.0, 1.0), ops.clamp(objects, 0.0, 1.0)))
    for result in model.results:
        model.remove_result(result)
    model.add_results([ops.result(output) for output in (ops.squeeze(scores, np.array([2])), boxes, points)])
    model.reshape([1, -1, -1, 3])
    return model


def _padded(side_px: int) -> int:
    return -(-side_px // DIVISOR) * DIVISOR


def _cells(
    found: NDArray[np.intp], height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Of cells by number: stride, shape (n, 1), column and row, shape (n,), in cells."""
    starts = np.cumsum([0, *(height // stride * (width // stride) for stride in STRIDES[:-1])])
    level = np.searchsorted(starts, found, side="right") - 1
    stride = np.array(STRIDES)[level]
    row, column = np.divmod(found - starts[level], width // stride)
    return stride[:, None].astype(np.float32), column.astype(np.float32), row.astype(np.float32)


def _corners_and_sides(
    boxes: NDArray[np.float32],
    stride: NDArray[np.float32],
    column: NDArray[np.float32],
    row: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of boxes (n, 4), centres relative to their cells and logarithms of sides: pixels, each (n, 2)."""
    centre = (boxes[:, :2] + np.stack([column, row], axis=1)) * stride
    sides = np.exp(boxes[:, 2:]) * stride
    return centre - sides / np.float32(2), sides
