"""What the first start says of the recommended model."""

from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.settings import Settings
from indexer.weights.locate import is_present
from indexer.weights.store import WeightStore

_MB = 1e6


def recommendation(settings: Settings, active: ModelCard) -> str | None:
    """None if the operator has chosen a model, which `GEMEL_MODEL` says, or if the recommended one is active.

    The model never changes by itself: a server that was started with the same settings on two machines would
    give two galleries that cannot be compared.
    """
    if "model" in settings.model_fields_set:
        return None
    name = catalog.RECOMMENDED
    card = next((each for each in catalog.published(mirror=settings.mirror) if each.name == name), None)
    if card is None or card == active:
        return None
    store = WeightStore.of(settings)
    missing = sum(file.size_bytes or 0 for file in card.weights if not is_present(file, store))
    chosen = f"set GEMEL_MODEL={name}"
    if missing:
        chosen = f"run `gemel models fetch {name}` ({missing / _MB:.1f} MB) and {chosen}"
    return (
        f"New galleries use {active.name}. Recommended is {name}: {catalog.RECOMMENDED_FOR}."
        f" To use it, {chosen}."
    )
