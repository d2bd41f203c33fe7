"""Jobs of galleries: those that have not ended, by the database, and how long each of this process took."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from indexer.errors import Unavailable
from indexer.records.database.session import Database
from indexer.records.gallery_jobs import jobs
from indexer.records.tables import GalleryJob

_SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0)


def kind_of(job: GalleryJob) -> str:
    """`clustering`, `clustering_undo` or `duplicate_search`."""
    return f"{job.kind}_undo" if job.undo else job.kind


class OpenJobs(Collector):
    """Any process gives the same answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return ()  # otherwise registering would call collect(), which queries the database

    def collect(self) -> Iterable[Metric]:
        """Returns nothing while the database is unavailable, so that the other metrics are still exposed."""
        labels = ("gallery", "kind")
        running = GaugeMetricFamily(
            "gemel_job_running", "1 while a process works on the job, 0 while it waits", labels=labels
        )
        seconds = GaugeMetricFamily(
            "gemel_job_running_seconds", "Since a process began the job", labels=labels
        )
        faces = GaugeMetricFamily("gemel_job_faces", "Faces, or joins of an undo, of the job", labels=labels)
        done = GaugeMetricFamily("gemel_job_faces_done", "Those that are done", labels=labels)
        try:
            with self._database.reading() as session:
                for one in jobs.open_jobs(session):
                    names = (one.gallery, kind_of(one.job))
                    running.add_metric(names, float(one.job.state == "running"))
                    seconds.add_metric(names, one.seconds)
                    total, so_far = _faces(one.job)
                    faces.add_metric(names, total)
                    done.add_metric(names, so_far)
        except Unavailable:
            return ()
        return (running, seconds, faces, done)


def _faces(job: GalleryJob) -> tuple[int, int]:
    figures = job.figures
    if not job.undo:
        return figures.get("faces", 0), figures.get("compared", 0)
    kept = sum(count for name, count in figures.items() if name.startswith("kept_"))
    return figures.get("joined", 0) + figures.get("named", 0), figures.get("undone", 0) + kept


class JobSeconds:
    """With several workers, their sums."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "gemel_job_seconds",
            "Time of jobs from their beginning to their end: done, undone or failed",
            ["kind", "state"],
            buckets=_SECONDS,
            registry=registry,
        )

    def observe(self, job: GalleryJob) -> None:
        """`job` has ended."""
        if job.started_at is not None and job.ended_at is not None:
            seconds = (job.ended_at - job.started_at).total_seconds()
            self._seconds.labels(kind_of(job), job.state).observe(seconds)
