"""deepface with YuNet and SFace. It looks for weights in `DEEPFACE_HOME`, so that it downloads nothing."""

import os
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.contenders.opencv import nearest
from benchmarks.peers.library import Embed, InProcess, Library
from benchmarks.peers.task import Task


def contender(task: Task, weights: Path) -> InProcess:
    library = Library(
        version=version("deepface"),
        load=partial(load, weights),
        nearest=nearest,
        thread_safe=False,  # one YuNet serves the whole process
    )
    return InProcess(library, [portrait.path for portrait in task.enrolled])


def load(weights: Path) -> Embed:
    home = weights / "deepface"
    folder = home / ".deepface/weights"
    folder.mkdir(parents=True, exist_ok=True)
    for file in weights.glob("*.onnx"):
        if not (folder / file.name).exists():
            (folder / file.name).symlink_to(file)
    os.environ["DEEPFACE_HOME"] = str(home)
    from deepface import DeepFace
    from deepface.modules.exceptions import FaceNotDetected

    def embed(path: str) -> Any:
        try:
            (face,) = DeepFace.represent(path, model_name="SFace", detector_backend="yunet", max_faces=1)
        except FaceNotDetected:
            return None
        feature = np.array(face["embedding"], np.float32)
        return feature / np.linalg.norm(feature)

    return embed
