"""What operators do with indexes: look at them, prove them equal to PostgreSQL, make them anew."""

from collections.abc import Callable
from dataclasses import dataclass, field

from indexer.errors import GenerationDamaged, GenerationForeign
from indexer.index.digest import Digest
from indexer.index.generation import Manifest
from indexer.index.live import LiveIndex
from indexer.index.verify import Comparison, Difference
from indexer.recognition.opening import Opener
from indexer.records import changes
from indexer.records.models import Gallery
from indexer.types import Keys, Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A generation on this machine's disk."""

    name: str
    manifest: Manifest | None
    problem: str | None
    """Why it has no manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    generation: str | None
    """None where there is none: then a start reads PostgreSQL, and there is nothing to differ."""
    applied: int
    """Number of the change up to which both sides were compared."""
    count: int
    """Faces in PostgreSQL."""
    digest: str
    """Of PostgreSQL's vectors."""
    index_digest: str | None
    difference: Difference = field(default_factory=Difference)
    damaged: list[str] = field(default_factory=list)
    """What is wrong with generations that cannot be read."""

    @property
    def clean(self) -> bool:
        equal = self.index_digest in (None, self.digest)
        return equal and not self.difference and not self.damaged


def stored(opener: Opener, gallery: Gallery) -> list[Stored]:
    """The newest first."""
    shelf = opener.shelf(gallery)
    found = []
    for name in shelf.names():
        try:
            found.append(Stored(name=name, manifest=shelf.manifest(name), problem=None))
        except (GenerationDamaged, GenerationForeign) as error:
            found.append(Stored(name=name, manifest=None, problem=error.message))
    return found


def verify(opener: Opener, gallery: Gallery) -> Verification:
    """Loads the newest generation that a start would, replays the log, and compares each face.

    Both sides are read in one snapshot of the database. Unlike a start it changes nothing on the disk.
    Raises GalleryNotFound, EmbeddingsMissing.
    """
    damaged: list[str] = []
    name, index = _newest(opener, gallery, damaged)
    truth = Digest()
    count = 0
    with opener.database.snapshot() as session:
        if index is not None:
            while tail := changes.after(session, gallery.id, index.applied, opener.card.fingerprint):
                index.apply(tail)
        comparison = None if index is None else Comparison(index.searcher)

        def take(keys: Keys, vectors: Vectors) -> None:
            nonlocal count
            count += len(keys)
            truth.add(keys, vectors)
            if comparison is not None:
                comparison.take(keys, vectors)

        applied = changes.feed(session, gallery.id, opener.card.fingerprint, take)
    return Verification(
        generation=name,
        applied=applied,
        count=count,
        digest=truth.hex,
        index_digest=None if index is None else index.digest,
        difference=Difference() if comparison is None else comparison.difference(),
        damaged=damaged,
    )


def snapshot(
    opener: Opener, gallery: Gallery, *, progress: Callable[[int], object] = lambda _: None
) -> str | None:
    """Writes a generation where changes have come since the newest; its name, None where none was due."""
    for one in stored(opener, gallery):
        manifest = one.manifest
        if (
            manifest is not None
            and manifest.applied == gallery.change_number
            and manifest.wanted is opener.wanted(gallery)
            and manifest.model == opener.card.fingerprint
        ):
            return None
    return rebuild(opener, gallery, progress=progress)


def rebuild(opener: Opener, gallery: Gallery, *, progress: Callable[[int], object] = lambda _: None) -> str:
    """Writes a generation from PostgreSQL, trained and measured anew; its name.

    Servers take it at their next start. Raises GalleryNotFound, EmbeddingsMissing, OSError.
    """
    built, applied = opener.build(gallery, progress=progress)
    return opener.write(gallery, built, applied)


def _newest(opener: Opener, gallery: Gallery, damaged: list[str]) -> tuple[str | None, LiveIndex | None]:
    shelf = opener.shelf(gallery)
    for name in shelf.names():
        try:
            return name, shelf.load(name, model=opener.card.fingerprint)[0]
        except GenerationForeign:
            continue
        except GenerationDamaged as error:
            damaged.append(error.message)
    return None, None
