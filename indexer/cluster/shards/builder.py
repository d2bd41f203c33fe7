"""The actor that creates, replaces and removes sets of shards: one for the whole Ray cluster.

It looks at what PostgreSQL and Ray have, and does the next step, whoever did the last one: so it may end at
any moment, and Ray starts it again. It is an actor, and no thread of a serving process, because Ray ends a
process that asks about nodes and placement groups while a new head replaces the old one
(docs/decisions/0051).
"""

import logging
import logging.config
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import ray

from indexer import logs
from indexer.cluster.shards import placement
from indexer.cluster.shards.sets import Plan, begin
from indexer.cluster.shards.verification import ShardProgress
from indexer.embedding.card import ModelCard
from indexer.errors import GemelError, NotFound
from indexer.records import shard_sets
from indexer.records.database.session import JOB_TIMEOUTS, Database, Session
from indexer.records.embedded import database_url
from indexer.records.tables import Gallery, ShardSet
from indexer.replica.threads.supervised import Supervised
from indexer.settings import Settings
from indexer.types import Tier

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
GRACE_SECONDS = 30.0
"""After a switch the old set answers for so long: processes notice the switch within some seconds."""
ORPHAN_SECONDS = 30.0
"""Actors without a row in PostgreSQL are stopped after so long."""
CALL_SECONDS = 5.0
"""For an actor's answer to a question about its state."""
MORE_COPIES_SECONDS = 60.0
"""A set has fewer copies than requested where there were too few nodes. So long after there are enough, a set
with all copies is built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderOptions:
    """Of the serving processes; times for tests."""

    shard_faces: int
    shards: int
    """0: as many as there are nodes."""
    copies: int
    tier: str
    """Of galleries that choose none themselves."""
    grace_seconds: float = GRACE_SECONDS
    orphan_seconds: float = ORPHAN_SECONDS
    more_copies_seconds: float = MORE_COPIES_SECONDS

    @classmethod
    def of(cls, settings: Settings) -> "BuilderOptions":
        return cls(
            shard_faces=settings.shard_faces,
            shards=settings.shards,
            copies=settings.shard_copies,
            tier=settings.index_tier,
        )


class Builder:
    """The database comes from the environment of its node."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._options: BuilderOptions | None = None
        self._cards: dict[str, ModelCard] = {}
        """By fingerprint."""
        self._database: Database | None = None
        self._orphans: dict[UUID, float] = {}
        """Since when they have been seen."""
        self._enough_nodes_since: float | None = None
        self._thread = Supervised("shard sets", self._turn, every_seconds=EVERY_SECONDS)
        self._thread.start()

    def configure(self, options: BuilderOptions, cards: Mapping[str, ModelCard]) -> str | None:
        """Serving processes call it again and again. `cards`: of models that they use, by fingerprint; the
        files of a model may be on their machines alone. Returns what is wrong, in words."""
        with self._lock:
            self._options = options
            self._cards |= cards
        return self._thread.problem

    def _turn(self) -> None:
        with self._lock:
            options, cards = self._options, dict(self._cards)
        if options is None:
            return
        if self._database is None:
            settings = Settings()
            logging.config.dictConfig(logs.config(settings.log_level, settings.log_format))
            self._database = Database(database_url(settings), pool_size=2, timeouts=JOB_TIMEOUTS)
        work = _Turn(
            self._database, options, cards, Plan(self._database, options.shard_faces), placement.nodes()
        )
        work.begin_missing()
        self._add_copies(work)
        work.give_up_left_over()
        for shard_set in work.plan.sets:
            try:
                work.step(shard_set)
            except NotFound as error:
                log.debug("shard set %s: %s", shard_set.id, error)  # dropped meanwhile
        self._remove_orphans(work)

    def _add_copies(self, work: "_Turn") -> None:
        if work.nodes < work.options.copies:
            self._enough_nodes_since = None
            return
        self._enough_nodes_since = self._enough_nodes_since or time.monotonic()
        if time.monotonic() >= self._enough_nodes_since + work.options.more_copies_seconds:
            work.add_copies()

    def _remove_orphans(self, work: "_Turn") -> None:
        """Actors of a set that PostgreSQL does not know: its gallery was deleted, or a backup restored."""
        now = time.monotonic()
        orphans = placement.present() - {one.id for one in work.plan.sets}
        self._orphans = {one: self._orphans.get(one, now) for one in orphans}
        for set_id, since in self._orphans.items():
            if now >= since + work.options.orphan_seconds:
                log.warning("shard set %s has no row in PostgreSQL: its shards are stopped", set_id)
                _stop(set_id, discard=False)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One look at everything, and what follows from it."""

    database: Database
    options: BuilderOptions
    cards: Mapping[str, ModelCard]
    plan: Plan
    nodes: int

    def begin_missing(self) -> None:
        for gallery, model in self.plan.missing():
            if self.nodes and model in self.cards:
                self._begin(gallery, model, self.options.shards or self.nodes)

    def add_copies(self) -> None:
        """Begins another set for galleries whose set has fewer copies than requested."""
        building = {(one.gallery_id, one.model) for one in self.plan.sets if one.state == "building"}
        for one in self.plan.sets:
            few = one.state == "active" and one.copies < self.options.copies
            if few and (one.gallery_id, one.model) not in building:
                self._begin(self.plan.galleries[one.gallery_id], one.model, one.shards)

    def give_up_left_over(self) -> None:
        for shard_set in self.plan.left_over():
            with self.database.transaction() as session:
                if not shard_sets.retire(session, shard_set.id):
                    shard_sets.drop(session, shard_set.id)

    def step(self, shard_set: ShardSet) -> None:
        with self.database.transaction() as session:
            if not shard_sets.try_lock(session, shard_set.id):
                return
            if shard_set.state == "retired":
                age = datetime.now(UTC) - (shard_set.retired_at or shard_set.created_at)
                if age.total_seconds() >= self.options.grace_seconds:
                    _stop(shard_set.id, discard=not self.plan.shares_files(shard_set))
                    shard_sets.drop(session, shard_set.id)
                return
            if shard_set.state == "building" and 0 < self.nodes < shard_set.copies:
                self._begin_with_fewer_copies(session, shard_set)
                return
            card, gallery = self.cards.get(shard_set.model), self.plan.galleries.get(shard_set.gallery_id)
            if card is None or gallery is None or not self.plan.has_target(shard_set):
                return
            placement.create(shard_set, card, gpu=self._on_gpus(gallery))
            if shard_set.state == "building" and _is_proven(shard_set):
                shard_sets.activate(session, shard_set.id)
                log.info("gallery %s is searched in %d shards from now on", gallery.name, shard_set.shards)

    def _begin_with_fewer_copies(self, session: Session, shard_set: ShardSet) -> None:
        """One for each node, in its place: more copies can never be placed. A request for another number of
        shards (`gemel index reshard`) is not lost by it."""
        log.warning(
            "gallery %s: there are %d nodes, so each of the %d shards gets %d copies and not %d",
            shard_set.gallery_id,
            self.nodes,
            shard_set.shards,
            self.nodes,
            shard_set.copies,
        )
        _stop(shard_set.id, discard=False)
        if shard_sets.drop(session, shard_set.id):
            shard_sets.begin(
                session,
                shard_set.gallery_id,
                shard_set.model,
                shards=shard_set.shards,
                copies=self.nodes,
                block=shard_set.block,
            )

    def _on_gpus(self, gallery: Gallery) -> bool:
        """Where too few nodes have one, the shards are searched on processors, as in a serving process."""
        tier = gallery.index_tier or self.options.tier
        return tier == Tier.GPU and placement.nodes(gpu=True) >= self.options.copies

    def _begin(self, gallery: Gallery, model: str, shards: int) -> None:
        copies = min(self.options.copies, self.nodes)
        if copies < self.options.copies:
            log.warning("gallery %s gets %d copies of each shard, one on a node", gallery.name, copies)
        begin(self.database, gallery, model, shards=shards, copies=copies)


def _is_proven(shard_set: ShardSet) -> bool:
    """Whether every copy of every shard has what PostgreSQL has."""
    calls: list[Any] = []
    for part in shard_set.parts:
        for copy in range(shard_set.copies):
            actor = placement.find(shard_set.id, part.shard, copy)
            calls.append(actor.prove.options(concurrency_group=placement.CONTROL).remote())
    ready, _ = ray.wait(calls, num_returns=len(calls), timeout=CALL_SECONDS)
    proven = 0
    for call in ready:
        try:
            progress: ShardProgress = ray.get(call)
        except (GemelError, ray.exceptions.RayError) as error:
            log.debug("shard set %s: %s", shard_set.id, error)
            continue
        proven += progress.proven
    return proven == len(calls)


def _stop(set_id: UUID, *, discard: bool) -> None:
    """`discard`: its snapshots too, on the nodes that answer."""
    calls: list[Any] = []
    for actor in placement.actors(set_id):
        if discard:
            calls.append(actor.discard.options(concurrency_group=placement.CONTROL).remote())
        calls.append(actor.close.options(concurrency_group=placement.CONTROL).remote())
    if calls:
        ray.wait(calls, num_returns=len(calls), timeout=CALL_SECONDS)
    placement.remove(set_id)
