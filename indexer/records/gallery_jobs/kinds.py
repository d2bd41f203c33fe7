"""The kinds of jobs, and how they differ in messages and in the audit record."""

from dataclasses import dataclass

from indexer import errors
from indexer.errors import Conflict, NotFound
from indexer.records.audit.event import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    name: str
    """In the database, in metrics and in the details of audit events."""
    noun: str
    started: Action
    changed: Action
    not_found: type[NotFound]
    exists: type[Conflict]
    state: type[Conflict]
    """Raised where the job's state does not allow what is requested."""


CLUSTERING = JobKind(
    name="clustering",
    noun="clustering",
    started=Action.CLUSTERING_STARTED,
    changed=Action.CLUSTERING_CHANGED,
    not_found=errors.ClusteringNotFound,
    exists=errors.ClusteringExists,
    state=errors.ClusteringState,
)
DUPLICATE_SEARCH = JobKind(
    name="duplicate_search",
    noun="search for duplicates",
    started=Action.DUPLICATE_SEARCH_STARTED,
    changed=Action.DUPLICATE_SEARCH_CHANGED,
    not_found=errors.DuplicateSearchNotFound,
    exists=errors.DuplicateSearchExists,
    state=errors.DuplicateSearchState,
)
KINDS = {kind.name: kind for kind in (CLUSTERING, DUPLICATE_SEARCH)}
