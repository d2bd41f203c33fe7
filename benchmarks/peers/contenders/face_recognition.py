"""`face_recognition`: dlib's HOG detector and its ResNet, with the default settings."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import face_recognition
import numpy as np

from benchmarks.peers.library import Embed, InProcess, Library
from benchmarks.peers.task import Task


def contender(task: Task, _: Path) -> InProcess:
    library = Library(
        version=f"{version('face_recognition')}, dlib {version('dlib-bin')}",
        load=load,
        nearest=nearest,
        thread_safe=True,
    )
    return InProcess(library, [portrait.path for portrait in task.enrolled])


def load() -> Embed:
    def embed(path: str) -> Any:
        image = face_recognition.load_image_file(path)
        boxes = face_recognition.face_locations(image)
        if not boxes:
            return None
        largest = max(boxes, key=lambda box: (box[2] - box[0]) * (box[1] - box[3]))
        return face_recognition.face_encodings(image, [largest])[0]

    return embed


def nearest(gallery: Any, embedding: Any) -> int:
    return int(np.argmin(face_recognition.face_distance(gallery, embedding)))
