"""How many connections to PostgreSQL a process holds."""

import os

from indexer.access.authenticator import Authenticator
from indexer.access.key_limits.limiter import KeyLimiter
from indexer.access.rejections import Rejections
from indexer.access.sign_in.sign_ins import SignIns
from indexer.replica.builds import IndexBuilds
from indexer.replica.heartbeat import Heartbeat
from indexer.replica.sync import IndexSync
from indexer.settings import Settings
from indexer.usecases.searches.reporter import SearchReporter
from indexer.visitors.expiry import VisitorExpiry

CLUSTERING = 2
"""Of the thread that works on clusterings, and of its lease."""
TRANSFER = 2
"""Of the thread that imports uploaded exports, and of its lease."""
CONNECTIONS_BESIDE = (
    2
    + IndexSync.THREADS
    + Heartbeat.THREADS
    + SearchReporter.THREADS
    + VisitorExpiry.THREADS
    + IndexBuilds.THREADS
    + Authenticator.THREADS
    + Rejections.THREADS
    + KeyLimiter.CONNECTIONS
    + SignIns.CONNECTIONS
    + CLUSTERING
    + TRANSFER
)
"""Connections to PostgreSQL besides one per request thread: one for the readiness check, one for each
background thread, those of the limits of keys and of sign-ins, and one for duplicate checks and new
visitors. So requests never wait for a connection, except that these take turns in several galleries: each
reads the change log while its transaction holds a connection."""
REINDEX_WORKER = 6
"""Of a process that works on re-index jobs as well."""
LISTENERS = 2
"""Connections of a process that listen: for changes of galleries, and of API keys."""


def import_threads(settings: Settings) -> int:
    """Of a serving process."""
    if settings.import_threads is not None:
        return settings.import_threads
    return max(1, (os.cpu_count() or 1) // settings.workers) + 2


def pooled_connections(settings: Settings) -> int:
    """The most connections in the pool of a serving process: with one for each thread that imports, and two
    for their leases and for reading paths."""
    importing = import_threads(settings)
    return settings.threads + CONNECTIONS_BESIDE + (importing + 2 if importing else 0)


def connections(settings: Settings) -> int:
    """The most connections to PostgreSQL that all serving processes hold."""
    worker = REINDEX_WORKER if settings.works_on_reindexes else 0
    return settings.workers * (pooled_connections(settings) + LISTENERS + worker)
