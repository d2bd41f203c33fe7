"""Public-domain portraits for a first try. They are read from packages that carry them; an absent package
offers none, and no code of a package is run."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from indexer.errors import SampleNotFound
from indexer.files import open_regular


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A portrait of one person."""

    id: str
    """Of letters, digits and `-`; in addresses."""
    title: str
    """Name of the person."""
    credit: str
    licence: str
    media_type: str
    package: str
    """Top-level Python package that carries it."""
    path: str
    """Of the file, relative to the package's folder."""

    @property
    def file(self) -> Path | None:
        """None where the package, or its file, is not installed."""
        found = find_spec(self.package)
        if found is None or found.origin is None:
            return None
        file = Path(found.origin).parent / self.path
        return file if file.is_file() else None


SAMPLES = (
    Sample(
        id="grace-hopper",
        title="Grace Hopper",
        credit="United States Navy",
        licence="Public domain: a work of the United States government",
        media_type="image/jpeg",
        package="matplotlib",
        path="mpl-data/sample_data/grace_hopper.jpg",
    ),
    Sample(
        id="eileen-collins",
        title="Eileen Collins",
        credit="NASA",
        licence="Public domain: a work of the United States government",
        media_type="image/png",
        package="skimage",
        path="data/astronaut.png",
    ),
)


def installed() -> list[Sample]:
    """Those that can be read on this machine."""
    return [sample for sample in SAMPLES if sample.file is not None]


def read(sample_id: str) -> tuple[Sample, bytes]:
    """The sample, and its file's bytes. Raises SampleNotFound."""
    for sample in SAMPLES:
        file = sample.file
        if sample.id == sample_id and file is not None:
            with open_regular(file) as opened:
                return sample, opened.read()
    raise SampleNotFound(f"there is no sample {sample_id[:50]!r} on this server", id=sample_id[:50])
