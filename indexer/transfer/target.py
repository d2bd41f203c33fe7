"""By which model an imported gallery is searched: that of the export, or another that embeds the crops."""

from dataclasses import dataclass

from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.errors import ArchiveInvalid, EmbeddingsMissing, Misconfigured
from indexer.pipeline.models import GalleryModels, check_calibrated
from indexer.records import models
from indexer.records.tables import Gallery
from indexer.transfer.archive.manifest import ExportedModel, Manifest
from indexer.weights.store import WeightStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    card: ModelCard
    embeds: bool
    """Whether the crops are embedded by the model; else the export's embeddings are its own."""
    reason: str = ""
    """Why, for people."""


def choose(
    gallery_models: GalleryModels,
    store: WeightStore,
    manifest: Manifest,
    *,
    into: Gallery | None,
    model: ModelCard | None,
) -> Target:
    """`into`: an existing gallery, whose model decides. `model`: an operator's choice.

    Raises ArchiveInvalid (the vectors have another dimension than the model), ModelUnavailable,
    ModelNotCalibrated.
    """
    exported = manifest.model
    if into is not None and into.model_id is not None:
        card, reason = gallery_models.for_gallery(into), "the gallery is searched with another model"
    elif model is not None:
        check_calibrated(model)
        card, reason = model, "as requested"
    else:
        found = exported and _find(gallery_models, exported, store)
        card = found or gallery_models.default
        reason = "" if exported is None else f"the model {exported.fingerprint} is not on this machine"
    if exported is None or card.fingerprint != exported.fingerprint:
        return Target(card=card, embeds=exported is not None, reason=reason)
    if card.dimension != exported.dimension:
        raise ArchiveInvalid(
            f"the manifest says that {card.fingerprint} has the dimension {exported.dimension}, not"
            f" {card.dimension}"
        )
    return Target(card=card, embeds=False)


def check_crops(target: Target, without_crop: int) -> None:
    """Raises EmbeddingsMissing."""
    if target.embeds and without_crop:
        raise EmbeddingsMissing(
            f"{without_crop} faces have no crop, so {target.card.fingerprint} cannot embed them; import where"
            " the export's own model is installed",
            faces=without_crop,
            model=target.card.fingerprint,
        )


def _find(gallery_models: GalleryModels, exported: ExportedModel, store: WeightStore) -> ModelCard | None:
    """The export's model, if this machine has it. The name in the export is not used: it may be a path."""
    cards = [gallery_models.default]
    for mirror in (True, False):
        cards += catalog.published(mirror=mirror) + catalog.superseded(mirror=mirror)
    for card in cards:
        if card.fingerprint == exported.fingerprint and card.is_available(store):
            return card
    with gallery_models.database.reading() as session:
        number = models.find(session, exported.fingerprint)
    if number is None:
        return None
    try:
        known = gallery_models.by_number(number)
    except Misconfigured:
        return None
    return known if known.is_available(store) else None
