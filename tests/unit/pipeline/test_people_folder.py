"""Every file below a folder is a picture of a person, or said to be left out, and why."""

import os
import unicodedata
from pathlib import Path
from typing import Literal

import numpy as np
import PIL.Image
import pillow_heif
import pytest

from indexer.errors import InvalidInput, InvalidRequest
from indexer.pipeline import people_folder
from indexer.vision.decoding import formats

FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")


def lay(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_every_file_is_a_persons_picture_or_skipped_with_a_reason(tmp_path: Path) -> None:
    lay(tmp_path, "Grace/1.JPG", "Grace/2.heic", "Grace/3", "Grace/notes.txt", "Grace/2019/4.jpg")
    lay(tmp_path, "Grace/.hidden.jpg", "Grace/._1.JPG", "Grace/Thumbs.db", "loose.jpg", ".git/config")
    (tmp_path / "Grace" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "Grace" / "itself.jpg").symlink_to("itself.jpg")
    (tmp_path / "Grace" / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "Grace" / "pipe.jpg")

    found = people_folder.read(tmp_path)

    [grace] = found.people
    assert [path.name for path in grace.images] == ["1.JPG", "2.heic", "3"]
    assert {str(file.path.relative_to(tmp_path)): file.code for file in found.skipped} == {
        "Grace/notes.txt": "not_a_picture",
        "Grace/2019/4.jpg": "nested_file",
        "Grace/up": "nested_file",
        "Grace/.hidden.jpg": "hidden_file",
        "Grace/._1.JPG": "hidden_file",
        "Grace/Thumbs.db": "hidden_file",
        "Grace/gone.jpg": "broken_link",
        "Grace/itself.jpg": "broken_link",
        "Grace/pipe.jpg": "not_a_file",
        "loose.jpg": "loose_file",
        ".git/config": "hidden_file",
    }


def test_composed_and_decomposed_names_of_a_folder_are_one_person(tmp_path: Path) -> None:
    for number, form in enumerate(FORMS):
        lay(tmp_path, f"{unicodedata.normalize(form, 'Zoë')}/{number}.jpg")

    [person] = people_folder.people_in(tmp_path)

    assert person.folder == unicodedata.normalize("NFC", "Zoë")
    assert len(person.images) == 2


def test_a_folder_without_people_is_rejected_with_the_number_of_skipped_files(tmp_path: Path) -> None:
    lay(tmp_path, "1.jpg", "2.jpg")

    with pytest.raises(InvalidRequest, match=r"one folder per person.*skipped: 2"):
        people_folder.read(tmp_path)


def written(path: Path) -> str | None:
    """The format by whose rules Pillow has written a picture there, or None where it cannot."""
    pillow_heif.register_heif_opener()
    PIL.Image.init()
    kind = PIL.Image.registered_extensions().get(path.suffix)
    modes = {".pbm": "1", ".pgm": "L", ".pfm": "F", ".xbm": "1", ".msp": "1", ".palm": "P"}
    noise = np.random.default_rng(7).integers(0, 255, (64, 64, 3), np.uint8)
    picture = PIL.Image.fromarray(noise).convert(modes.get(path.suffix, "RGB"))
    try:
        picture.save(path, "BMP" if kind == "DIB" else kind)  # whose .dib lacks the file's header
    except (KeyError, OSError, ValueError, RuntimeError):
        return None
    return kind


def is_read(path: Path) -> bool:
    try:
        formats.inspect(path.read_bytes(), max_pixels=50_000_000)
    except InvalidInput:
        return False
    return True


def test_the_suffixes_of_pictures_are_those_of_the_formats_that_are_read(tmp_path: Path) -> None:
    pillow_heif.register_heif_opener()
    PIL.Image.init()
    others = {".hif", ".heics", ".heifs", ".avifs"}  # which Pillow does not all know

    read = set()
    for suffix in PIL.Image.registered_extensions():
        path = tmp_path / f"picture{suffix}"
        if written(path) and is_read(path):
            read.add(suffix)

    assert read - people_folder.SUFFIXES == {".pdf"}  # a document, with a JPEG in it
    assert people_folder.SUFFIXES - read - others == set()
