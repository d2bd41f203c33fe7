"""The face at a given box or landmarks, in bulk."""

import json

import numpy as np
import pytest

from indexer.errors import InvalidRequest
from indexer.imports.reading import places
from tests.integration.imports.conftest import Importer, line
from tests.support.pictures import jpeg, pixels


@pytest.fixture(scope="module")
def both(small: tuple[bytes, bytes]) -> tuple[bytes, dict[str, dict[str, float]]]:
    """Grace Hopper to the left of Eileen Collins, and their boxes: halves of the picture."""
    left, right = (pixels(data)[:256, :200] for data in small)
    boxes = {
        name: {"x": x, "y": 20.0, "width": 160.0, "height": 200.0}
        for name, x in (("grace", 20.0), ("eileen", 220.0))
    }
    return jpeg(np.concatenate([left, right], axis=1)), boxes


def faces(importer: Importer, external_id: str) -> list[dict[str, float]]:
    at = f"/v1/galleries/{importer.gallery}/identities"
    person = importer.client.get(f"{at}/by-external-id/{external_id}").raise_for_status().json()
    listed = importer.client.get(f"{at}/{person['id']}/faces").raise_for_status().json()
    return [face["box"] for face in listed["faces"]]


def test_the_people_of_one_photograph_are_enrolled_by_their_boxes(
    importer: Importer, both: tuple[bytes, dict[str, dict[str, float]]]
) -> None:
    picture, boxes = both
    id = importer.create()
    importer.send_lines(
        id,
        [
            line("nobody", picture, file="whole.jpg"),
            line("grace", picture, file="left.jpg", box=list(boxes["grace"].values())),
            line("eileen", picture, file="right.jpg", box=boxes["eileen"]),
            line("wrong", picture, file="wrong.jpg", box=[1, 2, 3]),
            line("far", picture, file="far.jpg", box=[5000, 5000, 90, 90]),
        ],
    )
    importer.finish(id)

    assert importer.outcomes(id) == {
        "whole.jpg": ("rejected", "several_faces"),
        "left.jpg": ("enrolled", None),
        "right.jpg": ("enrolled", None),
        "wrong.jpg": ("skipped", "invalid_request"),
        "far.jpg": ("rejected", "face_place_unusable"),
    }
    [left], [right] = faces(importer, "grace"), faces(importer, "eileen")
    assert left["x"] < 200 < right["x"]


def test_entries_and_manifests_have_boxes_too(
    importer: Importer, both: tuple[bytes, dict[str, dict[str, float]]]
) -> None:
    picture, boxes = both
    id = importer.create(people_by="file")
    importer.send(id, {"eileen.jpg": picture}, [{"file": "eileen.jpg", "box": boxes["eileen"]}])
    numbers = ",".join(f"{side:g}" for side in boxes["grace"].values())
    table = f'file,external_id,box,floor\na.jpg,grace,"{numbers}",3\n'
    importer.send_zip(id, {"manifest.csv": table.encode(), "a.jpg": picture})
    importer.finish(id)

    assert importer.people() == {"eileen": 1, "grace": 1}
    [left], [right] = faces(importer, "grace"), faces(importer, "eileen")
    assert left["x"] < 200 < right["x"]


POINTS = {
    "left_eye": [1, 2],
    "right_eye": [3, 4],
    "nose": [5, 6],
    "mouth_left": [7, 8],
    "mouth_right": [9, 10],
}


def test_landmarks_are_read_in_their_order() -> None:
    numbers = places.parse({"landmarks": dict(reversed(POINTS.items()))})

    assert numbers == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    landmarks = places.place_of(numbers).landmarks
    assert landmarks is not None
    assert landmarks.tolist() == list(POINTS.values())


@pytest.mark.parametrize(
    "given",
    [
        {"box": [0, 0, 1, 1], "landmarks": POINTS},
        {"box": "1,2,3"},
        {"box": [0, 0, 0, 1]},
        {"box": [0, 0, 1, "wide"]},
        {"box": [0, 0, 1, 1e9]},
        {"box": json.loads("[0, 0, NaN, 1]")},
        {"box": {"x": 1}},
        {"landmarks": [1, 2]},
        {"landmarks": POINTS | {"nose": [1]}},
        {"landmarks": POINTS | {"nose": [1, None]}},
    ],
)
def test_a_malformed_box_or_landmark_is_rejected(given: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        places.parse(given)
