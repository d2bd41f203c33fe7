"""What an index reads of its gallery's change log in PostgreSQL."""

from dataclasses import dataclass
from uuid import UUID

from indexer.index.live import LiveIndex
from indexer.records import changes, reindexes
from indexer.records.database.session import Database
from indexer.replica.store.stored_index import StoredIndex
from indexer.types import Change, IndexedGallery, Part


@dataclass(frozen=True, slots=True)
class GalleryLog:
    """Of one gallery, with the embeddings of one model. After ChangesPruned, LogForked and EmbeddingsReplaced
    the index has to be opened again. Each method raises GalleryNotFound too."""

    database: Database
    gallery_id: UUID
    model: str
    """Fingerprint."""
    part: Part | None = None
    """Of the gallery: only its faces and templates come with their vectors."""

    def tail(self, index: LiveIndex) -> list[Change]:
        """The next changes that it lacks, at most 10,000; none at the end of the log.

        Raises ChangesPruned, LogForked, EmbeddingsMissing.
        """
        with self.database.reading() as session:
            return changes.read_after(session, self.gallery_id, index.position, self.model, self.part)

    def check_position(self, index: LiveIndex) -> None:
        """That its last change is of this log. Raises ChangesPruned, LogForked."""
        with self.database.reading() as session:
            changes.check(session, self.gallery_id, index.position)

    def check_embeddings(self, stored: StoredIndex, gallery: IndexedGallery) -> None:
        """That its embeddings are the gallery's. `gallery` may have been read a while ago: where it differs,
        the database itself is read. Raises EmbeddingsReplaced."""
        if gallery.model_fingerprint == self.model and gallery.embedded_by != stored.embedded_by:
            with self.database.reading() as session:
                reindexes.check_embedded_by(session, self.gallery_id, self.model, stored.embedded_by)
