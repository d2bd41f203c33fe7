"""Whether a snapshot is a copy of what this database has."""

from uuid import UUID

from indexer.errors import SnapshotForeign
from indexer.index.manifest import Manifest
from indexer.records import changes, reindexes
from indexer.records.database.session import Session
from indexer.records.enrolled import person_templates


def check(session: Session, gallery_id: UUID, model: str, manifest: Manifest) -> None:
    """That it is one of the gallery by the model (its fingerprint), and that the log has all that followed.

    Raises ChangesPruned, LogForked, EmbeddingsReplaced, SnapshotForeign, GalleryNotFound.
    """
    changes.check(session, gallery_id, manifest.position)
    reindexes.check_embedded_by(session, gallery_id, model, manifest.embedded_by)
    # During an upgrade, a process of the older version may write one behind the templates' changes.
    if manifest.leaves_out_templates and person_templates.people_with(session, gallery_id, at_most=1):
        raise SnapshotForeign("an older version wrote it, and it may lack person templates")
