"""What a run over a folder leaves for the next: the faces, their embeddings and their groups, in one file."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from indexer.errors import InvalidRequest
from indexer.files import atomic_write
from indexer.types import Box
from indexer.usecases.folder_groups.photographs import FileVersion, FolderFace, FolderPhotograph

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    made_by: dict[str, Any]
    """The model's fingerprint and the limits of the quality gate: other ones give other faces."""
    photographs: list[FolderPhotograph]
    next_id: int
    """Higher than any id that was ever given, so that none is given twice."""


def save(path: Path, state: State) -> None:
    """The file is readable for this account only: embeddings are biometric data. Raises OSError; the file
    then keeps its previous content."""
    header = {
        "format": FORMAT,
        "made_by": state.made_by,
        "next_id": state.next_id,
        "photographs": [
            {
                "file": photograph.file,
                "version": photograph.version and asdict(photograph.version),
                "code": photograph.code,
                "message": photograph.message,
                "faces": [
                    {
                        "box": asdict(face.box),
                        "landmarks": face.landmarks.tolist(),
                        "code": face.code,
                        "group": face.group,
                    }
                    for face in photograph.faces
                ],
            }
            for photograph in state.photographs
        ],
    }
    vectors = [face.vector for photo in state.photographs for face in photo.faces if face.vector is not None]
    with atomic_write(path.resolve()) as aside, aside.open("wb") as file:
        aside.chmod(0o600)
        np.savez(
            file,
            header=np.frombuffer(json.dumps(header).encode(), np.uint8),
            vectors=np.stack(vectors) if vectors else np.empty((0, 0), np.float32),
        )


def load(path: Path, made_by: dict[str, Any]) -> State | None:
    """None if there is no such file. Raises InvalidRequest if it is damaged, or was made by another model or
    other limits; OSError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        found = _parse(data)
    except Exception as error:  # whatever NumPy and its ZIP reader raise for a damaged file
        raise InvalidRequest(
            f"{path} is damaged, of another version of Gemel, or not a file of `gemel cluster --state`"
        ) from error
    if found.made_by != made_by:
        raise InvalidRequest(
            f"{path} was made by another model or with other limits of quality: {json.dumps(found.made_by)},"
            f" now {json.dumps(made_by)}; give another file, or delete it to begin again"
        )
    return found


def _parse(data: bytes) -> State:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        header, vectors = json.loads(file["header"].tobytes()), file["vectors"]
    if header["format"] != FORMAT:
        raise ValueError("another format")
    return State(
        made_by=header["made_by"],
        photographs=_photographs(header["photographs"], vectors),
        next_id=int(header["next_id"]),
    )


def _photographs(entries: Sequence[dict[str, Any]], vectors: Any) -> list[FolderPhotograph]:
    rows = iter(np.asarray(vectors, np.float32))
    return [
        FolderPhotograph(
            file=str(entry["file"]),
            version=entry["version"] and FileVersion(**entry["version"]),
            code=entry["code"],
            message=entry["message"],
            faces=[
                FolderFace(
                    box=Box(**face["box"]),
                    landmarks=np.array(face["landmarks"], np.float32).reshape(5, 2),
                    code=face["code"],
                    group=face["group"],
                    vector=next(rows) if face["code"] is None else None,
                )
                for face in entry["faces"]
            ],
        )
        for entry in entries
    ]
