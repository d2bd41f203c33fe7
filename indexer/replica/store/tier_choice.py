"""Which tier a gallery's index should have: its own choice, else the setting, else by its size."""

from dataclasses import dataclass
from typing import Literal

from indexer.index import tiers
from indexer.types import IndexedGallery, Part, Tier

COMPACT_FROM = 100_000
"""Faces from which on `auto` is `compact`; below, `exact` answers in two milliseconds."""


@dataclass(frozen=True, slots=True)
class TierChoice:
    setting: Literal["auto"] | Tier
    """For galleries that choose none themselves."""
    dimension: int
    """Of the model's embeddings."""
    part: Part | None = None
    """Of the gallery; None for all of it. The size of the part decides."""

    def on_disk(self, gallery: IndexedGallery) -> Tier:
        """The tier of the snapshot. What is searched on the GPUs lies on disk as `auto` has it: without
        GPUs it is searched like that."""
        chosen = self._chosen(gallery)
        if chosen != "auto" and chosen is not Tier.GPU:
            return chosen
        return Tier.COMPACT if self.faces(gallery) >= COMPACT_FROM else Tier.EXACT

    def on_gpu(self, gallery: IndexedGallery) -> bool:
        return self._chosen(gallery) is Tier.GPU

    def fits(self, built_for: Tier, gallery: IndexedGallery) -> bool:
        """Whether an index that was built when `built_for` was the target still is what the gallery needs.

        A gallery that shrinks keeps `compact` down to half of the size where it began, so that its tier does
        not change back and forth.
        """
        if built_for is self.on_disk(gallery):
            return True
        automatic = self._chosen(gallery) in ("auto", Tier.GPU)
        return automatic and built_for is Tier.COMPACT and self.faces(gallery) >= COMPACT_FROM // 2

    def faces(self, gallery: IndexedGallery) -> int:
        """About how many faces an index has."""
        return gallery.face_count if self.part is None else self.part.share(gallery.face_count)

    def bytes_per_face(self, gallery: IndexedGallery) -> float:
        """Of memory."""
        return tiers.bytes_per_face(self.on_disk(gallery), self.dimension)

    def _chosen(self, gallery: IndexedGallery) -> Literal["auto"] | Tier:
        """The setting's, too, for a tier that only an older or newer version has."""
        return Tier(gallery.index_tier) if gallery.index_tier in list(Tier) else self.setting
