"""Whether galleries keep their promised FPIR, by the database: any process gives the same answer."""

from collections.abc import Iterable

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from indexer.calibration.check.verdict import judge
from indexer.errors import Unavailable
from indexer.records import search_counts
from indexer.records.database.session import Database


class FpirChecks(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return ()  # otherwise registering would call collect(), which queries the database

    def collect(self) -> Iterable[Metric]:
        """Returns nothing while the database is unavailable, so that the other metrics are still exposed."""
        labels = ("gallery",)
        exceeded = GaugeMetricFamily(
            "gemel_fpir_exceeded", "1 if a gallery has more false alarms than promised", labels=labels
        )
        searches = GaugeMetricFamily(
            "gemel_fpir_check_searches", "Searches that the check of a gallery counts", labels=labels
        )
        matched = GaugeMetricFamily("gemel_fpir_check_matched", "Those that matched somebody", labels=labels)
        false_alarms = GaugeMetricFamily(
            "gemel_fpir_check_expected_false_alarms",
            "False alarms that are expected if all those searches were for strangers",
            labels=labels,
        )
        ratio = GaugeMetricFamily(
            "gemel_fpir_check_ratio",
            "Other people who reach the score of an FPIR of 10 %: counted over expected",
            labels=(*labels, "among"),
        )
        try:
            with self._database.reading() as session:
                every = search_counts.of_every_gallery(session)
        except Unavailable:
            return ()
        for gallery, counts in every.items():
            check = judge(counts)
            exceeded.add_metric((gallery,), check.verdict == "exceeded")
            searches.add_metric((gallery,), check.searches)
            matched.add_metric((gallery,), check.matched)
            false_alarms.add_metric((gallery,), check.expected_false_alarms)
            for among, finding in (("matched", check.among_matched), ("unmatched", check.among_unmatched)):
                if finding.searches:
                    ratio.add_metric((gallery, among), finding.reached / finding.expected)
        return (exceeded, searches, matched, false_alarms, ratio)
