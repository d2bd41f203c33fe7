"""Real faces through the real pipeline."""

from pathlib import Path

import numpy as np
import pytest

from indexer.pipeline.embed_files import embed_files, embed_with
from indexer.pipeline.pipeline import Pipeline
from indexer.settings import Settings
from indexer.types import Image
from indexer.usecases.bootstrap import open_pipelines


@pytest.fixture
def files(tmp_path: Path, hopper: bytes, collins: bytes, nobody: bytes) -> list[Path]:
    contents = {"hopper": hopper, "nobody": nobody, "broken": b"no picture", "collins": collins}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return [tmp_path / name for name in (*contents, "nowhere")]


def test_a_file_without_a_face_or_that_cannot_be_read_has_no_embedding_and_counts(
    pipeline: Pipeline, files: list[Path]
) -> None:
    embedded = embed_files(pipeline, files)

    assert embedded.found.tolist() == [True, False, False, True, False]
    assert embedded.undetected == 3
    assert np.linalg.norm(embedded.vectors, axis=1) == pytest.approx([1, 0, 0, 1, 0], abs=1e-5)


def test_several_models_at_once_give_the_embeddings_of_each_one_alone(files: list[Path]) -> None:
    looked_at: list[Path] = []

    def watched(file: Path, pixels: Image) -> Image:
        looked_at.append(file)
        return pixels

    with open_pipelines(Settings(), ["sface", "dlib-resnet"]) as (sface, dlib):
        both = embed_with([sface, dlib], files[:2], change=watched)
        alone = [embed_files(pipeline, files[:2]) for pipeline in (sface, dlib)]

    assert len(looked_at) == 2, "each file once, not once for each model"
    for one, other in zip(both, alone, strict=True):
        assert one.vectors == pytest.approx(other.vectors, abs=1e-5)
    assert np.linalg.norm(both[0].vectors[0] - both[1].vectors[0]) > 0.5


def test_pictures_are_changed_before_the_face_is_detected(pipeline: Pipeline, files: list[Path]) -> None:
    [black] = embed_with([pipeline], files[:1], change=lambda _, pixels: np.zeros_like(pixels))

    assert black.undetected == 1
