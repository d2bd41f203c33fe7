"""The tables, as classes. `migrations/` makes the schema; a test holds the two equal.

A new column: a field here, a revision in `migrations/versions`.
"""

from indexer.records.tables.access.api_keys import ApiKey, ApiKeyVersion
from indexer.records.tables.access.key_limits import RequestSlot, TokenBucket
from indexer.records.tables.access.sign_ins import SignIn
from indexer.records.tables.audit.chain import AuditHead, AuditRecord
from indexer.records.tables.audit.probes import AuditProbe, Dispute
from indexer.records.tables.base import Base
from indexer.records.tables.changes import Change
from indexer.records.tables.enrolled.faces import Embedding, Face
from indexer.records.tables.enrolled.identities import Identity
from indexer.records.tables.enrolled.people import DistinctPeople, PersonChange, Review
from indexer.records.tables.enrolled.person_templates import PersonTemplate
from indexer.records.tables.galleries import Gallery
from indexer.records.tables.gallery_jobs import GalleryJob
from indexer.records.tables.imports import ImportFile, ImportJob, ImportPicture
from indexer.records.tables.index_checks import IndexCheck
from indexer.records.tables.liveness import LivenessChallenge
from indexer.records.tables.logged_errors import LoggedErrorRow
from indexer.records.tables.models import Calibration, Model
from indexer.records.tables.processes import Process, Replica
from indexer.records.tables.reindexes import Reindex, ReindexChunk, ReindexEvent
from indexer.records.tables.searches import SearchCount
from indexer.records.tables.shard_sets import ShardSet
from indexer.records.tables.transfers import Transfer, TransferFile, TransferPart

__all__ = [
    "ApiKey",
    "ApiKeyVersion",
    "AuditHead",
    "AuditProbe",
    "AuditRecord",
    "Base",
    "Calibration",
    "Change",
    "Dispute",
    "DistinctPeople",
    "Embedding",
    "Face",
    "Gallery",
    "GalleryJob",
    "Identity",
    "ImportFile",
    "ImportJob",
    "ImportPicture",
    "IndexCheck",
    "LivenessChallenge",
    "LoggedErrorRow",
    "Model",
    "PersonChange",
    "PersonTemplate",
    "Process",
    "Reindex",
    "ReindexChunk",
    "ReindexEvent",
    "Replica",
    "RequestSlot",
    "Review",
    "SearchCount",
    "ShardSet",
    "SignIn",
    "TokenBucket",
    "Transfer",
    "TransferFile",
    "TransferPart",
]
