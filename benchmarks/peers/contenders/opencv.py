"""OpenCV's `FaceDetectorYN` (YuNet) and `FaceRecognizerSF` (SFace): the networks of Gemel's default."""

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.peers.library import Embed, InProcess, Library
from benchmarks.peers.task import Task

MIN_CONFIDENCE = 0.8
"""OpenCV's default is 0.9: it then misses 34 of the 1,500 faces, and rank-1 falls from 96.4 % to 92.0 %."""


def contender(task: Task, weights: Path) -> InProcess:
    library = Library(
        version=cv2.__version__,
        load=partial(load, weights),
        nearest=nearest,
        thread_safe=True,  # each thread loads networks of its own
    )
    return InProcess(library, [portrait.path for portrait in task.enrolled])


def load(weights: Path) -> Embed:
    detector = cv2.FaceDetectorYN.create(
        str(weights / "face_detection_yunet_2023mar.onnx"), "", (320, 320), score_threshold=MIN_CONFIDENCE
    )
    recognizer = cv2.FaceRecognizerSF.create(str(weights / "face_recognition_sface_2021dec.onnx"), "")

    def embed(path: str) -> Any:
        image = cv2.imread(path)
        assert image is not None, path
        detector.setInputSize((image.shape[1], image.shape[0]))
        _, faces = detector.detect(image)
        if faces is None:
            return None
        largest = max(faces, key=lambda face: face[2] * face[3])
        feature = recognizer.feature(recognizer.alignCrop(image, largest))[0]
        return feature / np.linalg.norm(feature)

    return embed


def nearest(gallery: Any, embedding: Any) -> int:
    return int(np.argmax(gallery @ embedding))
