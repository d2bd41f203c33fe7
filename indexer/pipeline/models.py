"""Which model a gallery is searched with: its row has the model's number, which becomes a card here.

Cards are cached by fingerprint, never by number: in a database that is restored while the process runs, the
same number may mean another model.
"""

import threading

from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.errors import Misconfigured, ModelNotCalibrated, ModelUnavailable
from indexer.records import models
from indexer.records.database.session import Database
from indexer.records.tables import Gallery, Model


class GalleryModels:
    """Safe to call from several threads."""

    def __init__(self, database: Database, default: ModelCard) -> None:
        """`default`: for galleries in which nobody is enrolled yet. Raises ModelNotCalibrated."""
        check_calibrated(default)
        self.database = database
        self.default = default
        self._cards: dict[str, ModelCard] = {}
        self._registered: set[str] = set()
        """Fingerprints of models whose files this process has registered in the database."""
        self._lock = threading.Lock()

    def for_gallery(self, gallery: Gallery) -> ModelCard:
        """Raises ModelUnavailable."""
        if gallery.model_id is None:
            return self.default
        with self._lock:
            card = self._cards.get(gallery.model_fingerprint or "")
        return card or self.by_number(gallery.model_id)

    def by_number(self, number: int) -> ModelCard:
        """Raises ModelUnavailable where this process cannot find the model."""
        with self.database.reading() as session:
            row = models.get(session, number)
        with self._lock:
            card = self._cards.get(row.fingerprint)
        if card is None:
            card = self._find(row)
            with self._lock:
                self._cards[row.fingerprint] = card
        return card

    def number_of(self, card: ModelCard) -> int:
        """The model's number in the database, which it gets when it is first used."""
        if card.fingerprint in self._registered:
            with self.database.reading() as session:
                number = models.find(session, card.fingerprint)
            if number is not None:
                return number
        with self.database.transaction() as session:
            number = models.register(
                session, card.fingerprint, card.dimension, name=card.known_as, mirror=card.mirror
            )
        self._registered.add(card.fingerprint)
        return number

    def _find(self, row: Model) -> ModelCard:
        candidates = [self.default]
        for mirror in (True, False):
            candidates += catalog.published(mirror=mirror) + catalog.superseded(mirror=mirror)
        for card in candidates:
            if card.fingerprint == row.fingerprint:
                return card
        reason = "it has another fingerprint now"
        try:
            if row.name is not None and row.mirror is not None:
                card = catalog.named(row.name, mirror=row.mirror)
                if card.fingerprint == row.fingerprint:
                    return card
        except Misconfigured as error:
            reason = error.message
        raise ModelUnavailable(
            f"cannot open the model {row.fingerprint} ({row.name or 'of unknown origin'}): {reason}",
            model=row.fingerprint,
        )


def check_calibrated(card: ModelCard) -> None:
    """Raises ModelNotCalibrated where the card has no figures to set a threshold by."""
    if not (card.score_at_fmr and card.genuine_scores):
        raise ModelNotCalibrated(
            f"no threshold can be set for {card.fingerprint}: its card lacks score_at_fmr or"
            " genuine_scores, which are measured",
            model=card.fingerprint,
        )
