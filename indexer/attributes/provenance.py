"""Where the networks behind an attribute come from."""

from collections.abc import Iterator
from dataclasses import dataclass

from indexer.attributes.heads.opening import HeadKind
from indexer.weights.published import EXPRESSION, set_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOrigin:
    name: str
    """As `gemel models` lists it; of a head of the operator's own, the name of its card."""
    licence: str
    sha256: tuple[str, ...]
    """Of its files."""
    publisher: str | None = None
    page: str | None = None
    """Address of the publisher's description."""
    trained_on: str | None = None
    """Of a head of the operator's own: the name of the data's folder."""
    base: str | None = None
    """Likewise: the network whose features it takes in."""
    accuracy: float | None = None
    """Likewise: on people whom it was not trained on, as its card says."""
    accuracy_interval: tuple[float, float] | None = None


def origins(kind: HeadKind) -> Iterator[NetworkOrigin]:
    """Of the networks that a head uses."""
    for network in dict.fromkeys(found for file in kind.weights if (found := set_of(file)) is not None):
        yield NetworkOrigin(
            name=network.name,
            licence=network.licence,
            sha256=tuple(file.sha256 for file in network.files if file in kind.weights),
            publisher=network.publisher,
            page=network.page,
        )
    if kind.trained is not None:
        card, base = kind.trained.card, set_of(EXPRESSION)
        yield NetworkOrigin(
            name=kind.trained.name,
            licence=card.licence,
            sha256=(card.weights_sha256,),
            trained_on=card.trained_on,
            base=None if base is None else base.name,
            accuracy=card.accuracy,
            accuracy_interval=card.accuracy_interval,
        )
