"""How far the indexes of each process are behind, by the database: any process gives the same answer."""

from collections.abc import Iterable

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from indexer.errors import Unavailable
from indexer.records import replicas
from indexer.records.database.session import Database


class IndexLag(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return ()  # otherwise registering would call collect(), which queries the database

    def collect(self) -> Iterable[Metric]:
        """Returns nothing while the database is unavailable, so that the other metrics are still exposed."""
        labels = ("host", "pid")
        lag = GaugeMetricFamily(
            "gemel_index_lag_changes",
            "Changes that the most outdated index of a process lacked at its last report",
            labels=labels,
        )
        failed = GaugeMetricFamily(
            "gemel_index_failed",
            "Indexes of a process that could not be opened or kept up to date",
            labels=labels,
        )
        try:
            with self._database.reading() as session:
                for process in replicas.list_lags(session):
                    names = (process.host, str(process.pid))
                    lag.add_metric(names, process.changes)
                    failed.add_metric(names, process.failed)
        except Unavailable:
            return ()
        return (lag, failed)
