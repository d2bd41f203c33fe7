"""Pictures whose people nobody has named: every face becomes an anonymous identity, once."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFilter
import pytest

from tests.integration.imports.conftest import Importer
from tests.support.asking import identify
from tests.support.pictures import jpeg, pixels

Pair = tuple[bytes, bytes]


@pytest.fixture(scope="module")
def couple(small: Pair) -> bytes:
    """Both people in one picture."""
    first, second = (pixels(data) for data in small)
    height = min(len(first), len(second))
    return jpeg(np.concatenate([first[:height], second[:height]], axis=1))


def everybody(importer: Importer) -> list[dict[str, Any]]:
    answer = importer.client.get(f"/v1/galleries/{importer.gallery}/identities", params={"limit": 1000})
    return list(answer.raise_for_status().json()["identities"])


def test_each_face_of_each_picture_is_an_anonymous_identity_and_every_file_is_accounted_for(
    importer: Importer, small: Pair, couple: bytes, nobody: bytes
) -> None:
    id = importer.create(people_by="nobody")
    importer.send(
        id,
        {
            "holiday/both.jpg": couple,
            "a/b/grace.jpg": small[0],
            "again.jpg": small[0],
            "empty.jpg": nobody,
            "broken.jpg": b"no picture",
            "notes.txt": b"hello",
        },
    )

    done = importer.finish(id)

    assert importer.outcomes(id) == {
        "holiday/both.jpg": ("enrolled", None),
        "a/b/grace.jpg": ("enrolled", None),
        "again.jpg": ("known", None),
        "empty.jpg": ("rejected", "no_face_found"),
        "broken.jpg": ("rejected", "unsupported_image_format"),
        "notes.txt": ("skipped", "not_a_picture"),
    }
    people = everybody(importer)
    assert len(people) == 3
    assert all(one["anonymous"] and one["faces_total"] == 1 for one in people)
    digests = [one["faces"][0]["image_sha256"] for one in people]
    assert sorted(digests.count(digest) for digest in set(digests)) == [1, 2]
    assert done["summary"] == "3 of 6 pictures enrolled, 2 files rejected, 1 file skipped"
    assert importer.files(id)["a/b/grace.jpg"]["identity_id"] in {one["id"] for one in people}


def test_pictures_that_were_imported_before_add_nothing_however_they_come(
    importer: Importer, small: Pair, couple: bytes
) -> None:
    """In another job, in several jobs at once, as NDJSON, and also a picture of somebody with a name."""
    named = importer.create()
    importer.send(named, {"Eileen/1.jpg": small[1]})
    importer.finish(named)

    def send(_: int) -> str:
        id = importer.create(people_by="nobody")
        importer.send(id, {"both.jpg": couple, "eileen.jpg": small[1]})
        return id

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(send, range(4)))
    for id in ids:
        importer.finish(id)
    lines = importer.create(people_by="nobody")
    importer.send_lines(lines, [{"image": base64.b64encode(couple).decode(), "file": "line.jpg"}])
    importer.finish(lines)

    outcomes = [importer.outcomes(id)["both.jpg"][0] for id in ids]
    assert sorted(outcomes) == ["enrolled", "known", "known", "known"]
    assert {importer.outcomes(id)["eileen.jpg"][0] for id in ids} == {"known"}
    assert importer.outcomes(lines) == {"line.jpg": ("known", None)}
    assert sorted((one["anonymous"], one["faces_total"]) for one in everybody(importer)) == [
        (False, 1),
        (True, 1),
        (True, 1),
    ]


def test_a_face_that_the_quality_gate_rejects_is_named_with_its_reason(
    importer: Importer, small: Pair
) -> None:
    """The others of its picture are enrolled."""
    first = pixels(small[0])
    sharp = PIL.Image.fromarray(pixels(small[1]))
    blurred = np.asarray(sharp.filter(PIL.ImageFilter.GaussianBlur(5)))
    height = min(len(first), len(blurred))
    mixed = np.concatenate([first[:height], blurred[:height]], axis=1)
    id = importer.create(people_by="nobody")
    importer.send(id, {"mixed.jpg": jpeg(mixed)})
    importer.finish(id)

    files = importer.files(id)
    assert (files["mixed.jpg"]["state"], files["mixed.jpg"]["code"]) == ("enrolled", None)
    assert files["mixed.jpg"]["message"] == "1 of 2 faces enrolled; rejected: 1 face_blurred"
    assert len(everybody(importer)) == 1


def test_a_search_finds_an_anonymous_face_as_soon_as_its_import_has_ended(
    importer: Importer, couple: bytes, small: Pair
) -> None:
    id = importer.create(people_by="nobody")
    importer.send(id, {"both.jpg": couple})
    importer.finish(id)

    answer = importer.client.post(
        f"/v1/galleries/{importer.gallery}/identify", files={"image": small[0]}
    ).raise_for_status()

    [face] = answer.json()["faces"]
    assert face["candidates"][0]["matched"]
    assert face["candidates"][0]["identity"]["anonymous"]


def test_a_picture_of_which_only_a_visitor_has_a_face_is_imported(importer: Importer, couple: bytes) -> None:
    """The visitor is forgotten some day, and would take the picture along; and others are in it too."""
    gallery = f"/v1/galleries/{importer.gallery}"
    importer.client.patch(gallery, json={"remember_unknown": True}).raise_for_status()
    identify(importer.client, importer.gallery, couple)
    importer.client.patch(gallery, json={"remember_unknown": False}).raise_for_status()
    assert importer.client.get(f"{gallery}/visitors").json()["total"] == 1

    ids = []
    for _ in range(2):
        ids.append(importer.create(people_by="nobody"))
        importer.send(ids[-1], {"both.jpg": couple})
        importer.finish(ids[-1])
    importer.client.delete(f"{gallery}/visitors").raise_for_status()

    assert [importer.outcomes(id)["both.jpg"][0] for id in ids] == ["enrolled", "known"]
    assert len(everybody(importer)) == 2
