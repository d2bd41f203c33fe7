"""How many people a gallery has, up to a limit: enough to choose the blocks of its parts."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.records.tables import Identity


def count_people(session: Session, gallery_id: UUID, *, most: int) -> int:
    """At most `most`: a large gallery is not read to its end."""
    some = select(Identity.id).where(Identity.gallery_id == gallery_id).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0
