"""The one place where everything is wired together, for the service and for the command line."""

from indexer.usecases.bootstrap.connections import connections, import_threads
from indexer.usecases.bootstrap.engine import Engine, open_engine
from indexer.usecases.bootstrap.networks import (
    attribute_reader,
    check_weights,
    default_card,
    open_attributes,
    open_pipeline,
    open_pipeline_factory,
    open_pipelines,
)

__all__ = [
    "Engine",
    "attribute_reader",
    "check_weights",
    "connections",
    "default_card",
    "import_threads",
    "open_attributes",
    "open_engine",
    "open_pipeline",
    "open_pipeline_factory",
    "open_pipelines",
]
