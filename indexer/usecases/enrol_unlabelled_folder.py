"""Enrols every face in a folder of photographs that nobody has labelled. It can be interrupted and run
again."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

from indexer.errors import GemelError, InvalidRequest
from indexer.files import reason
from indexer.pipeline import people_folder
from indexer.usecases.bootstrap import Engine
from indexer.usecases.enrolment.unlabelled import enrol_unlabelled
from indexer.usecases.folder_gallery import create_gallery
from indexer.usecases.folder_outcome import FolderOutcome, Outcome

CHUNK = 8
"""Pictures in memory, in one batch of the network, and in one transaction, of each thread."""


class _Interrupted(Exception):
    pass


def enrol_unlabelled_folder(
    engine: Engine,
    folder: Path,
    gallery: str,
    *,
    parallel: int = 4,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> FolderOutcome:
    """Enrols all faces of all pictures in `folder` and the folders within into `gallery`, which is created
    where it does not exist: as `enrol_unlabelled`.

    KeyboardInterrupt ends the run within a picture or two, and the result says so. `progress` is called with
    how many more pictures are done, and how many there are. Raises InvalidRequest if there is no picture,
    DatabaseUnavailable, OSError.
    """
    images, skipped = people_folder.photographs(folder)
    if not images:
        raise InvalidRequest(
            f"{folder} has no pictures in it" + (f"; files skipped: {len(skipped)}" if skipped else "")
        )
    result = FolderOutcome(path=folder, gallery_created=create_gallery(engine, gallery), faces=0)
    stop = threading.Event()
    noting = threading.Lock()
    noted: set[Path] = set()

    def note(path: Path, outcome: Outcome, code: str | None = None, message: str | None = None) -> None:
        with noting:
            noted.add(path)
            result.add(path, outcome, code, message, person=None)
        progress(1, len(images))

    def check() -> None:
        if stop.is_set():
            raise _Interrupted

    def enrol(paths: Sequence[Path]) -> None:
        data: dict[Path, bytes] = {}
        for path in paths:
            try:
                data[path] = path.read_bytes()
            except OSError as error:
                note(path, Outcome.FAILED, "unreadable_file", reason(error))
        try:
            done = enrol_unlabelled(engine.enroller, gallery, list(data.values()), check=check)
        except _Interrupted:
            return
        except GemelError as error:
            if len(data) > 1:  # one of them may be the cause
                for path in data:
                    enrol([path])
            else:
                for path in data:
                    note(path, Outcome.FAILED, error.code, error.message)
            return
        for path, picture in zip(data, done, strict=True):
            note(path, picture.outcome, picture.code, picture.message)
        with noting:
            new = sum(len(picture.identity_ids) for picture in done)
            result.identities_created += new
            result.faces = (result.faces or 0) + new

    chunks = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
    with ThreadPoolExecutor(parallel, thread_name_prefix="enrol") as pool:
        futures = [pool.submit(copy_context().run, enrol, chunk) for chunk in chunks]
        try:
            for future in futures:
                future.result()
        except KeyboardInterrupt:
            result.interrupted = True
        finally:  # however the run ends, no further picture is begun
            stop.set()
            pool.shutdown(cancel_futures=True)
    for path in images:
        if path not in noted:
            result.add(path, Outcome.NOT_REACHED, None, None, person=None)
    for one in skipped:
        result.add_skipped(one)
    return result
