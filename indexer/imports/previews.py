"""Small pictures of rejected files, instead of their bytes."""

import logging
from collections.abc import Mapping

from indexer.errors import GemelError, InvalidInput
from indexer.records.imports import queue
from indexer.usecases.bootstrap import Engine
from indexer.vision.preview import preview

log = logging.getLogger(__name__)

_UNDECODABLE = {
    "unsupported_image_format",
    "unreadable_image",
    "image_too_large",
    "image_too_expensive",
}
"""Codes of files that were not decoded, and would not be now."""


def keep(engine: Engine, rejected: Mapping[int, tuple[str, bytes]]) -> None:
    """`rejected`: the code and the bytes of each file, by its id. A failure leaves the bytes for `repair`."""
    for file_id, (code, data) in rejected.items():
        try:
            jpeg = None if code in _UNDECODABLE else preview(engine.pipeline.decoder.decode(data).pixels)
        except InvalidInput:
            jpeg = None
        except GemelError as error:
            log.info("no small picture of import file %d yet: %s", file_id, error)
            continue
        with engine.database.transaction() as session:
            queue.keep_preview(session, file_id, jpeg)


def repair(engine: Engine, *, at_most: int = 20) -> None:
    """Creates the previews that a worker did not create before it was killed."""
    with engine.database.reading() as session:
        left = dict(queue.without_preview(session, at_most=at_most))
    for file_id, code in left.items():
        with engine.database.reading() as session:
            data = queue.pictures(session, [file_id])
        keep(engine, {file_id: (code, data[file_id])} if data else {})
