"""What an index needs to know of its gallery."""

from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from indexer.types.change_log import LogPosition


class IndexedGallery(Protocol):
    """A gallery's row, or a `GalleryState` of it."""

    @property
    def id(self) -> UUID: ...

    @property
    def name(self) -> str: ...

    @property
    def change_number(self) -> int: ...

    @property
    def position(self) -> LogPosition:
        """The end of its change log, when the row was read."""
        ...

    @property
    def face_count(self) -> int: ...

    @property
    def model_fingerprint(self) -> str | None:
        """Of the model that it is searched with."""
        ...

    @property
    def embedded_by(self) -> UUID | None:
        """The re-index job that made the embeddings of this model, if one did."""
        ...

    @property
    def rebuild_number(self) -> int:
        """Rebuilds that were requested so far."""
        ...

    @property
    def index_tier(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryState:
    """An `IndexedGallery` as a value, which can be sent to another process."""

    id: UUID
    name: str
    position: LogPosition
    face_count: int
    model_fingerprint: str | None
    embedded_by: UUID | None
    rebuild_number: int
    index_tier: str | None

    @classmethod
    def of(cls, gallery: IndexedGallery) -> "GalleryState":
        return cls(
            id=gallery.id,
            name=gallery.name,
            position=gallery.position,
            face_count=gallery.face_count,
            model_fingerprint=gallery.model_fingerprint,
            embedded_by=gallery.embedded_by,
            rebuild_number=gallery.rebuild_number,
            index_tier=gallery.index_tier,
        )

    @property
    def change_number(self) -> int:
        return self.position.number

    def at(self, position: LogPosition) -> "GalleryState":
        """The same gallery after another change."""
        return replace(self, position=position)
