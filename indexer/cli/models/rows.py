"""What `gemel models` says of models, networks and their files, ready for JSON."""

from collections.abc import Iterable
from typing import Any

from indexer.attributes.heads.opening import HEADS
from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.errors import ModelUnknown, WeightsMissing
from indexer.settings import Settings
from indexer.usecases.bootstrap import default_card
from indexer.weights import locate, published
from indexer.weights.add import Addition
from indexer.weights.fetch import Fetched
from indexer.weights.file import WeightFile
from indexer.weights.published import WeightSet
from indexer.weights.store import WeightStore


def every_model(settings: Settings) -> list[dict[str, Any]]:
    """The recognition models: those that `GEMEL_MODEL` may name."""
    active = default_card(settings)
    store = WeightStore.of(settings)
    return [_model(card, active, store) for card in catalog.known(active)]


def other_networks(settings: Settings) -> list[dict[str, Any]]:
    """The published networks that are no recognition model by themselves."""
    names = {card.name for card in catalog.published(mirror=settings.mirror)}
    store = WeightStore.of(settings)
    return [_network(each, store) for each in published.SETS if each.name not in names]


def one_model(name: str, settings: Settings) -> dict[str, Any]:
    """With its files and figures. Raises ModelUnknown, CardUnusable, WeightsMissing."""
    store = WeightStore.of(settings)
    network = published.named(name)
    try:
        card = catalog.named(name, mirror=settings.mirror)
    except ModelUnknown:
        if network is None:
            raise _unknown(name, settings) from None
        return _network(network, store) | _provenance([network], network.files, store)
    row = _model(card, default_card(settings), store)
    row |= {"score_at_fmr": card.score_at_fmr, "genuine_scores": card.genuine_scores}
    sets = dict.fromkeys(each for file in card.weights if (each := published.set_of(file)) is not None)
    return row | _provenance(sets, card.weights, store)


def files_of(name: str, settings: Settings) -> tuple[WeightFile, ...]:
    """Of a model or a network. Raises ModelUnknown, CardUnusable, WeightsMissing."""
    network = published.named(name)
    if network is not None:
        return network.files
    try:
        return catalog.named(name, mirror=settings.mirror).weights
    except ModelUnknown:
        raise _unknown(name, settings) from None


def added(additions: Iterable[Addition], store: WeightStore) -> dict[str, Any]:
    """What `add` did."""
    additions = list(additions)
    rows = [
        {
            "path": str(each.path),
            "file": None if each.file is None else each.file.name,
            "outcome": each.outcome,
        }
        for each in additions
    ]
    files = [each.file for each in additions if each.file is not None]
    return {"files": rows, "networks": _networks_of(files, store)}


def fetched(files: Iterable[Fetched], store: WeightStore) -> dict[str, Any]:
    """What `fetch` did."""
    files = list(files)
    rows = [{"file": each.file.name, "outcome": each.outcome, "source": each.source} for each in files]
    return {"files": rows, "networks": _networks_of([each.file for each in files], store)}


def _model(card: ModelCard, active: ModelCard, store: WeightStore) -> dict[str, Any]:
    return card.summary() | {
        "active": card == active,
        "recommended": card.name == catalog.RECOMMENDED and not card.is_superseded,
        **_weights(card.weights, store),
    }


def _network(network: WeightSet, store: WeightStore) -> dict[str, Any]:
    return {
        "name": network.name,
        "purpose": network.purpose,
        "attributes": [
            attribute.value for attribute, kind in HEADS.items() if set(kind.weights) & set(network.files)
        ],
        "licence": network.licence,
        **_weights(network.files, store),
    }


def _weights(files: Iterable[WeightFile], store: WeightStore) -> dict[str, Any]:
    """Where the weights come from, and what is missing."""
    files = list(files)
    missing = [file for file in files if not locate.is_present(file, store)]
    return {
        "available": not missing,
        "weights_from": list(dict.fromkeys(_origin(file, store) for file in files)),
        "missing": [file.name for file in missing],
        "missing_bytes": sum(file.size_bytes or 0 for file in missing),
    }


def _origin(file: WeightFile, store: WeightStore) -> str:
    if file.distribution is not None:
        return f"package {file.distribution}"
    if not file.is_fetched:
        return file.name
    found = store.find(file)
    if found is None:
        return "not fetched"
    return "fetched" if found == store.path(file) else "mirror"


def _provenance(sets: Iterable[WeightSet], files: Iterable[WeightFile], store: WeightStore) -> dict[str, Any]:
    return {
        "publishers": [
            {
                "network": each.name,
                "publisher": each.publisher,
                "page": each.page,
                "licence": each.licence,
                "notes": each.notes,
                "published_figures": dict(each.figures),
            }
            for each in sets
        ],
        "files": [_file(file, store) for file in files],
    }


def _file(file: WeightFile, store: WeightStore) -> dict[str, Any]:
    try:
        path = str(locate.find(file, store))
    except WeightsMissing:
        path = None
    return {
        "name": file.name,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "publishers_digest": file.publishers_digest,
        "package": file.distribution,
        "addresses": file.addresses,
        "path": path,
    }


def _networks_of(files: Iterable[WeightFile], store: WeightStore) -> list[dict[str, Any]]:
    sets = dict.fromkeys(published.set_of(file) for file in files)
    return [_network(each, store) for each in sets if each is not None]


def _unknown(name: str, settings: Settings) -> ModelUnknown:
    names = dict.fromkeys(
        [
            *(card.name for card in catalog.published(mirror=settings.mirror)),
            *(each.name for each in published.SETS),
        ]
    )
    return ModelUnknown(f"there is no model {name!r}; there are {', '.join(names)}", model=name)
