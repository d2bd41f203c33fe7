"""Whoever may be one of the people to be measured on is not trained on."""

from pathlib import Path

import torch

from indexer.training.data.faces import Faces
from indexer.training.data.overlap import find_overlaps, write
from indexer.training.loss.distillation import distillation_targets


def test_the_same_face_under_another_name_and_the_same_name_are_found(faces: Faces, tmp_path: Path) -> None:
    trained = faces.where(lambda sample: sample.identity in ("Grace_0", "Eileen_0", "Once"))
    apart = faces.where(lambda sample: sample.identity in ("Grace_1", "Grace_2", "Once"))
    cpu = torch.device("cpu")
    vectors, theirs = (distillation_targets("sface", 128, some, cpu) for some in (trained, apart))

    known = find_overlaps(trained, vectors, apart, theirs, score=0.5)
    write(known, tmp_path / "apart.csv")

    assert {one.identity for one in known} == {"Grace_0", "Once", "Eileen_0"}
    by_name = {one.identity: one for one in known}
    assert by_name["Once"].same_name
    assert not by_name["Grace_0"].same_name
    assert by_name["Grace_0"].resembles.parent.name in ("Grace_1", "Grace_2")
    assert by_name["Eileen_0"].resembles.parent.name == "Once", "which is Eileen in the mirror"
    assert [one.score for one in known] == sorted((one.score for one in known), reverse=True)
    assert (tmp_path / "apart.csv").read_text().count("\n") == 4


def test_strangers_are_kept(faces: Faces) -> None:
    grace = faces.where(lambda sample: sample.identity.startswith("Grace"))
    eileen = faces.where(lambda sample: sample.identity.startswith("Eileen"))
    cpu = torch.device("cpu")
    vectors = [distillation_targets("sface", 128, some, cpu) for some in (grace, eileen)]
    assert find_overlaps(grace, vectors[0], eileen, vectors[1], score=0.5) == []
