"""Which model a gallery is searched with: its row says so, in numbers; here they become cards."""

import threading

from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.errors import Misconfigured, ModelNotCalibrated, ModelUnavailable
from indexer.records import registry
from indexer.records.models import Gallery
from indexer.records.session import Database


class Models:
    """Safe to call from several threads."""

    def __init__(self, database: Database, default: ModelCard) -> None:
        """`default`: of galleries in which nobody is enrolled yet. Raises ModelNotCalibrated."""
        check_calibrated(default)
        self._database = database
        self.default = default
        self._cards: dict[int, ModelCard] = {}
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def of(self, gallery: Gallery) -> ModelCard:
        """Raises ModelUnavailable."""
        return self.default if gallery.model_id is None else self.numbered(gallery.model_id)

    def numbered(self, number: int) -> ModelCard:
        """Raises ModelUnavailable where this process cannot come by it."""
        with self._lock:
            card = self._cards.get(number)
        if card is None:
            card = self._find(number)
            with self._lock:
                self._cards[number] = card
        return card

    def number(self, card: ModelCard) -> int:
        """Given to it when it is first used."""
        with self._lock:
            number = self._numbers.get(card.fingerprint)
        if number is None:
            with self._database.transaction() as session:
                number = registry.number_of(
                    session, card.fingerprint, card.dimension, name=card.known_as, mirror=card.mirror
                )
            with self._lock:
                self._numbers[card.fingerprint] = number
        return number

    def _find(self, number: int) -> ModelCard:
        with self._database.reading() as session:
            row = registry.get(session, number)
        candidates = [self.default, *catalog.published(mirror=True), *catalog.published(mirror=False)]
        for card in candidates:
            if card.fingerprint == row.fingerprint:
                return card
        why = "it has another fingerprint now"
        try:
            if row.name is not None and row.mirror is not None:
                card = catalog.named(row.name, mirror=row.mirror)
                if card.fingerprint == row.fingerprint:
                    return card
        except Misconfigured as error:
            why = error.message
        raise ModelUnavailable(
            f"the model {row.fingerprint} ({row.name or 'of unknown origin'}) cannot be opened here: {why}",
            model=row.fingerprint,
        )


def check_calibrated(card: ModelCard) -> None:
    """Raises ModelNotCalibrated where no threshold can be had."""
    if not (card.score_at_fmr and card.genuine_scores):
        raise ModelNotCalibrated(
            f"no threshold can be set for {card.fingerprint}: its card lacks score_at_fmr or"
            " genuine_scores, which are measured",
            model=card.fingerprint,
        )
