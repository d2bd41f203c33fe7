"""The faces in the photographs of a folder: detected, judged and embedded."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import GemelError
from indexer.files import open_regular, reason
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Box, Points
from indexer.usecases.enrolment.quality_gate import QualityGate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FolderFace:
    box: Box
    landmarks: Points
    """As the detector found them."""
    vector: NDArray[np.float32] | None
    """Shape (dimension,); None if the quality gate rejects the face."""
    code: str | None = None
    """Of the rejection."""
    group: int | None = None
    """The id of its group; None if it is in none, or not grouped yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVersion:
    """Size and time of a file: another version has others."""

    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> "FileVersion | None":
        """None if the file cannot be read."""
        try:
            status = path.stat()
        except OSError:
            return None
        return cls(size_bytes=status.st_size, modified_ns=status.st_mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FolderPhotograph:
    file: str
    """Path within the folder."""
    version: FileVersion | None
    faces: list[FolderFace] = field(default_factory=list)
    """The largest first."""
    code: str | None = None
    """Why it is unreadable; stable, for programs."""
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceReader:
    """Reads photographs in several threads."""

    pipeline: Pipeline
    gate: QualityGate
    threads: int

    def read(
        self, folder: Path, files: Sequence[Path], progress: Callable[[int], object] = lambda _: None
    ) -> tuple[list[FolderPhotograph], bool]:
        """The photographs that were read, in the order of `files`, and whether it was interrupted.

        KeyboardInterrupt ends it within a picture or two. `progress` gets how many more photographs are done.
        """
        stop = threading.Event()

        def read(file: Path) -> FolderPhotograph | None:
            if stop.is_set():
                return None
            photograph = self._read(folder, file)
            progress(1)
            return photograph

        interrupted = False
        with ThreadPoolExecutor(self.threads, thread_name_prefix="read") as pool:
            futures = [pool.submit(read, file) for file in files]
            try:
                for future in futures:
                    future.result()
            except KeyboardInterrupt:
                interrupted = True
            finally:  # however it ends, no further photograph is begun
                stop.set()
                pool.shutdown(cancel_futures=True)
        results = [future.result() for future in futures if not future.cancelled()]
        return [photograph for photograph in results if photograph is not None], interrupted

    def _read(self, folder: Path, path: Path) -> FolderPhotograph:
        file, version = path.relative_to(folder).as_posix(), FileVersion.of(path)
        try:
            with open_regular(path) as opened:
                data = opened.read()
            faces = self._faces(data)
        except GemelError as error:
            return FolderPhotograph(file=file, version=version, code=error.code, message=error.message)
        except OSError as error:
            return FolderPhotograph(file=file, version=version, code="unreadable_file", message=reason(error))
        return FolderPhotograph(file=file, version=version, faces=faces)

    def _faces(self, data: bytes) -> list[FolderFace]:
        watch = Stopwatch()
        aligned = self.pipeline.detect(data, watch).faces
        rejections = [self.gate.rejection(face.quality) for face in aligned]
        good = [face for face, rejection in zip(aligned, rejections, strict=True) if rejection is None]
        vectors = iter(self.pipeline.embed(good, watch))
        return [
            FolderFace(
                box=face.face.box,
                landmarks=face.face.detected_landmarks,
                vector=next(vectors) if rejection is None else None,
                code=None if rejection is None else rejection.code,
            )
            for face, rejection in zip(aligned, rejections, strict=True)
        ]
