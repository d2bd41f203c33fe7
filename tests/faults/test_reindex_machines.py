"""Re-embedding by workers on several machines, one after another of which loses its power."""

from pathlib import Path

import pytest

from benchmarks.machines.network import missing
from benchmarks.reindex_machines import fill, killed_run
from tests.support.pictures import jpeg, pixels
from tests.support.reindexing import expire_leases

FACES = 80


@pytest.mark.long
def test_while_machines_are_killed_the_others_embed_each_face_once_and_as_one_machine_would(
    tmp_path: Path, hopper: bytes, collins: bytes
) -> None:
    if (problem := missing()) is not None:
        pytest.skip(problem)
    for name, image in {"Grace": hopper, "Eileen": collins}.items():
        (tmp_path / "people" / name).mkdir(parents=True)
        for number in range(2):
            picture = jpeg(pixels(image), 60 + 10 * number)
            (tmp_path / "people" / name / f"{number}.jpg").write_bytes(picture)
    filled = fill(tmp_path / "filled", tmp_path / "people", FACES)

    outcome = killed_run(filled, 2, to="dlib-resnet", kill_every=30, killed=expire_leases)

    assert outcome["kills"] > 0
    assert (outcome["state"], outcome["faces"]) == ("ready", FACES)
    assert (outcome["lost"], outcome["written_twice"], outcome["different"]) == (0, 0, 0)
    assert outcome["claims"] > outcome["chunks"], "a chunk of a killed machine was claimed again"
