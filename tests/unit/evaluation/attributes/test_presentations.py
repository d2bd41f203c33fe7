"""Pictures of people and of attacks are found by their folders, and attacks can be made from the pictures."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.errors import InvalidRequest
from indexer.evaluation.attributes.liveness.presentations import as_bytes, read_presentations, readable
from indexer.vision.attacks.kinds import ATTACKS
from indexer.vision.decoding.decoder import Decoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("real/ann/1.jpg", "real/2.PNG", "fake/3.jpeg", "fake/print/4.jpg", "fake/print/deep/5.jpg"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(0).integers(0, 255, (60, 50, 3), np.uint8)
        Image.fromarray(pixels).save(file)
    (tmp_path / "real" / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder(max_pixels=1_000_000) as decoder:
        yield decoder


def test_folders_of_attacks_are_their_kinds(folder: Path) -> None:
    found = [(one.kind, one.file.name) for one in read_presentations(folder)]

    assert found == [
        ("bona_fide", "2.PNG"),
        ("bona_fide", "1.jpg"),
        ("fake", "3.jpeg"),
        ("print", "4.jpg"),
        ("print", "5.jpg"),
    ]


def test_every_kind_of_attack_is_made_from_every_picture_of_a_person(folder: Path) -> None:
    made = [one for one in read_presentations(folder, synthetic=True) if one.attack]

    assert len(made) == 2 * len(ATTACKS)
    assert {one.kind for one in made} == {f"synthetic_{name}" for name in ATTACKS}


def test_a_folder_without_attacks_is_rejected_and_needs_none_if_they_are_made(folder: Path) -> None:
    for file in folder.glob("fake/**/*.jp*g"):
        file.unlink()

    with pytest.raises(InvalidRequest, match="--synthetic"):
        read_presentations(folder)
    assert read_presentations(folder, synthetic=True)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_the_same_whenever_it_is_made(folder: Path, attack: str, decoder: Decoder) -> None:
    [one, other] = [one for one in read_presentations(folder, synthetic=True) if one.attack == attack]

    assert as_bytes(one, decoder) == as_bytes(one, decoder)
    assert as_bytes(one, decoder) != as_bytes(other, decoder)
    assert as_bytes(one, decoder) != one.file.read_bytes()


def test_a_file_that_is_no_picture_is_not_readable(folder: Path, decoder: Decoder) -> None:
    presentations = read_presentations(folder, synthetic=True)
    for file in folder.glob("real/**/*.jpg"):
        file.write_bytes(b"no picture")

    unreadable = [one for one in presentations if one.attack and one.file.suffix == ".jpg"]
    assert len(unreadable) == len(ATTACKS)
    assert [readable(one, decoder) for one in unreadable] == [None] * len(ATTACKS)
