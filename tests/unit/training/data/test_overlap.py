"""Identities that overlap with the people to evaluate on are found."""

from pathlib import Path

import torch

from indexer.training.data.faces import Faces
from indexer.training.data.overlap import find_overlaps, write
from indexer.training.loss.distillation import distillation_targets


def test_the_same_face_and_the_same_name_are_overlaps(faces: Faces, tmp_path: Path) -> None:
    trained = faces.where(lambda sample: sample.identity in ("Grace_0", "Eileen_0", "Once"))
    others = faces.where(lambda sample: sample.identity in ("Grace_1", "Grace_2", "Once"))
    cpu = torch.device("cpu")
    vectors, theirs = (distillation_targets("sface", 128, some, cpu) for some in (trained, others))

    overlaps = find_overlaps(trained, vectors, others, theirs, score=0.5)
    write(overlaps, tmp_path / "overlap.csv")

    assert {one.identity for one in overlaps} == {"Grace_0", "Once", "Eileen_0"}
    by_name = {one.identity: one for one in overlaps}
    assert by_name["Once"].same_name
    assert not by_name["Grace_0"].same_name
    assert by_name["Grace_0"].resembles.parent.name in ("Grace_1", "Grace_2")
    assert by_name["Eileen_0"].resembles.parent.name == "Once", "which is Eileen in the mirror"
    assert [one.score for one in overlaps] == sorted((one.score for one in overlaps), reverse=True)
    assert (tmp_path / "overlap.csv").read_text().count("\n") == 4


def test_strangers_do_not_overlap(faces: Faces) -> None:
    grace = faces.where(lambda sample: sample.identity.startswith("Grace"))
    eileen = faces.where(lambda sample: sample.identity.startswith("Eileen"))
    cpu = torch.device("cpu")
    vectors = [distillation_targets("sface", 128, some, cpu) for some in (grace, eileen)]
    assert find_overlaps(grace, vectors[0], eileen, vectors[1], score=0.5) == []
