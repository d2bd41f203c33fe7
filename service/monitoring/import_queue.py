"""Imports and their files that wait, by the database: any process gives the same answer."""

from collections.abc import Iterable

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from indexer.errors import Unavailable
from indexer.records.database.session import Database
from indexer.records.imports import files, jobs


class ImportQueue(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return ()  # otherwise registering would call collect(), which queries the database

    def collect(self) -> Iterable[Metric]:
        """Returns nothing while the database is unavailable, so that the other metrics are still exposed."""
        try:
            with self._database.reading() as session:
                waiting, size = files.waiting(session)
                imports = jobs.count_open(session)
        except Unavailable:
            return ()
        return (
            GaugeMetricFamily("gemel_imports_open", "Imports that have not ended", value=imports),
            GaugeMetricFamily(
                "gemel_import_files_waiting", "Files of imports that wait to be enrolled", value=waiting
            ),
            GaugeMetricFamily("gemel_import_bytes_waiting", "Bytes of those files", value=size),
        )
