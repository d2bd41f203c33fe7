"""The published weights: their files, licences and publishers. Nothing else is ever fetched.

To add a network: describe its files and its set in the module of its topic, and read it where it is used,
with `locate.locate` or `locate.read_verified`. All names are imported from here.
"""

from collections.abc import Iterable

from indexer.weights.file import WeightFile
from indexer.weights.published.attributes import *
from indexer.weights.published.attributes import ATTRIBUTES
from indexer.weights.published.liveness import *
from indexer.weights.published.liveness import LIVENESS_NETWORKS
from indexer.weights.published.recognition import *
from indexer.weights.published.recognition import RECOGNITION
from indexer.weights.published.weight_set import WeightSet as WeightSet

SETS = (*RECOGNITION, *LIVENESS_NETWORKS, *ATTRIBUTES)


def named(name: str) -> WeightSet | None:
    return next((each for each in SETS if each.name == name), None)


def set_of(file: WeightFile) -> WeightSet | None:
    """The set that the file belongs to; None for a file of the user's own."""
    return next((each for each in SETS if file in each.files), None)


def by_digest(sha256: str) -> WeightFile | None:
    return next((file for file in every_file() if file.sha256 == sha256), None)


def every_file() -> Iterable[WeightFile]:
    return (file for each in SETS for file in each.files)
