"""Imports without networks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.embedding.card import ModelCard
from indexer.pipeline.models import GalleryModels
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.settings import Settings
from indexer.transfer import embed, target
from indexer.transfer.archive.check import check
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.source import open_source
from indexer.transfer.embed import Embed
from indexer.transfer.importer import GalleryImport, Imported
from indexer.weights.store import WeightStore
from tests.support.strangers import CARD
from tests.support.transfer.galleries import nobody

Restore = Callable[..., Imported]


@pytest.fixture
def restore(database: Database, settings: Settings) -> Restore:
    """Imports an export as the command does."""

    def restored(
        path: Path,
        name: str = "restored",
        *,
        into: str | None = None,
        join: bool = False,
        model: ModelCard | None = None,
        embedder: Embed = embed.as_exported,
    ) -> Imported:
        models = GalleryModels(database, CARD)
        contents = Contents.open(open_source(path))
        existing = None
        if into is not None:
            with database.reading() as session:
                existing = galleries.get(session, into)
        chosen = target.choose(
            models, WeightStore.of(settings), contents.manifest, into=existing, model=model
        )
        target.check_crops(chosen, check(contents, progress=nobody).without_crop)
        running = GalleryImport(
            database, models, contents, chosen, name=into or name, into=existing, join=join
        )
        return running.run(embedder, progress=nobody)

    return restored
