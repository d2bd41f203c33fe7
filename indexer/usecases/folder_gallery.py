"""The gallery into which a folder is enrolled."""

from indexer.errors import GalleryExists, GalleryNotFound
from indexer.records import galleries
from indexer.usecases.bootstrap import Engine


def create_gallery(engine: Engine, name: str) -> bool:
    """Whether it did not exist."""
    try:
        with engine.database.reading() as session:
            galleries.get(session, name)
    except GalleryNotFound:
        try:
            with engine.database.transaction() as session:
                galleries.create(session, name)
        except GalleryExists:
            return False  # another process created it in the meantime
        return True
    return False
