"""The progress of a set of shards that other processes build, as PostgreSQL has it. Needs no Ray.

Every copy of a shard reports itself to PostgreSQL. So a process outside the Ray cluster, such as the worker
of a re-index, can wait for a set of shards, and say what it waits for.
"""

from dataclasses import dataclass

from indexer.records import replicas, shard_sets
from indexer.records.database.session import Session
from indexer.records.tables import Gallery, ShardSet


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProgress:
    """The progress of a gallery's set by one model."""

    shard_set: ShardSet
    started: int
    """Copies that have reported themselves within half a minute."""
    opened: int
    """Those whose index is open."""
    faces: int
    """The sum over the open copies: a face of two open copies counts twice."""
    problem: str | None
    """Why a copy cannot be opened, or kept up to date."""

    @property
    def copies(self) -> int:
        """How many copies all its shards have together."""
        return self.shard_set.shards * self.shard_set.copies

    @property
    def is_stuck(self) -> bool:
        """Whether it cannot go on by itself: a copy is missing, or has failed."""
        return self.problem is not None or self.started < self.copies

    def __str__(self) -> str:
        if self.started == 0:
            return (
                "no copy of a shard has started: the Ray cluster is away, its nodes have no room, or no"
                " server with GEMEL_CLUSTER has the model"
            )
        text = f"{self.opened} of {self.copies} copies of shards are open"
        if self.started < self.copies:
            text += f", {self.copies - self.started} have not started: nodes are missing, or have no room"
        elif self.opened == self.copies:
            text += ", and are compared with PostgreSQL"
        return text if self.problem is None else f"{text}; {self.problem}"


def is_held(session: Session, gallery: Gallery, least_faces: int | None) -> bool:
    """Whether the gallery's index is in shards, or is to be: then no process may hold the whole index.

    `least_faces`: the number of faces from which galleries have shards; None in a process without a Ray
    cluster. Such a process relies on the copies that report themselves. It takes a set without any for one of
    a Ray cluster that is no longer used.
    """
    if least_faces is not None and gallery.face_count >= least_faces:
        return True
    in_use = shard_sets.in_use(session, [gallery.id])
    if least_faces is not None or not in_use:
        return bool(in_use)
    living = {process.shard_set_id for process in replicas.list_processes(session)}
    return any(one.id in living for one in in_use)


def of_model(session: Session, gallery: Gallery, model: str) -> SetProgress | None:
    """The progress of the set that serves, or else of the one that is being built; None if there is neither.

    `model`: fingerprint.
    """
    found = shard_sets.active(session, gallery.id, model) or shard_sets.building(session, gallery.id, model)
    if found is None:
        return None
    started = [one for one in replicas.list_processes(session) if one.shard_set_id == found.id]
    reports = [
        replica
        for process, replica in replicas.by_gallery(session, [gallery.id])[gallery.id]
        if process.shard_set_id == found.id and replica.model == model
    ]
    opened = [replica for replica in reports if replica.state in ("ready", "rebuilding")]
    problems = sorted({one.problem for one in reports if one.state == "failed" and one.problem is not None})
    return SetProgress(
        shard_set=found,
        started=min(len(started), found.shards * found.copies),
        opened=len(opened),
        faces=sum(replica.count for replica in opened),
        problem=problems[0] if problems else None,
    )
