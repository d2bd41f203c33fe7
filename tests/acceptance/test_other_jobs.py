"""Verification, detection, JSON bodies, requests at once and restarts, with real faces over HTTP."""

import base64
import threading
from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient
from PIL import ImageOps

from indexer.settings import Settings
from service.app import create_app
from tests.support.altered_pictures import as_jpeg, cropped, opened, scaled, side_by_side
from tests.support.asking import (
    assert_problem,
    enrol,
    files,
    identify,
    matched_names,
    try_to_identify,
)


def test_json_with_base64_does_what_multipart_does(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    """Enrol, add, identify, verify and detect, each sent both ways, answer the same."""
    base = f"/v1/galleries/{gallery}"
    text = base64.b64encode(hopper).decode()
    by_form = enrol(api, gallery, hopper, name="Hopper", external_id="form", metadata='{"a": 1}')
    sent = api.post(
        f"{base}/identities",
        json={"images": [text], "name": "Hopper", "external_id": "json", "metadata": {"a": 1}},
    )
    assert sent.status_code == 201
    by_json = sent.json()
    for kept in ("name", "metadata", "model", "rejected"):
        assert by_form[kept] == by_json[kept]
    for kept in ("box", "landmarks", "quality", "image_sha256"):
        assert by_form["faces"][0][kept] == by_json["faces"][0][kept]

    def same(path: str, images: dict[str, bytes], **fields: Any) -> None:
        form = api.post(path, files=[f for k, v in images.items() for f in files(k, v)], data=fields)
        encoded_images = {k: base64.b64encode(v).decode() for k, v in images.items()}
        as_json = api.post(path, json=encoded_images | fields)
        assert form.status_code == as_json.status_code == 200
        one, other = form.json(), as_json.json()
        for answer in (one, other):
            del answer["timings_ms"]
            answer.pop("audit_id", None)  # a detection has none
        assert one == other

    both = side_by_side(hopper, collins)
    same(f"{base}/identify", {"image": both}, max_faces=2, max_candidates=1, threshold=0.5)
    same(f"{base}/identities/{by_form['id']}/verify", {"image": hopper})
    same("/v1/verify", {"image_a": hopper, "image_b": collins}, threshold=0.3)
    same("/v1/detect", {"image": both}, max_faces=1)

    added = api.post(
        f"{base}/identities/{by_form['id']}/faces",
        json={"images": [base64.b64encode(scaled(hopper, 0.8)).decode()]},
    )
    assert added.status_code == 201


def test_a_data_url_is_taken_as_base64(api: TestClient, gallery: str, hopper: bytes) -> None:
    """What a browser's canvas gives."""
    url = "data:image/jpeg;base64," + base64.b64encode(hopper).decode()
    answer = api.post("/v1/detect", json={"image": url})

    assert answer.status_code == 200
    assert answer.json()["faces_found"] == 1


def test_two_pictures_of_one_person_verify_and_two_of_two_do_not(
    api: TestClient, hopper: bytes, collins: bytes
) -> None:
    def verify(a: bytes, b: bytes, **fields: Any) -> dict[str, Any]:
        answer = api.post("/v1/verify", files=[*files("image_a", a), *files("image_b", b)], data=fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    same = verify(hopper, as_jpeg(ImageOps.mirror(cropped(opened(hopper)))))
    different = verify(hopper, collins)

    assert same["matched"] is True
    assert different["matched"] is False
    assert same["score"] > same["threshold"] > different["score"]
    assert same["distance"] < different["distance"]
    assert same["face_id"] is None
    assert len(same["faces"]) == 2
    assert same["model"]
    assert same["timings_ms"]["total"] > 0
    assert verify(hopper, collins, threshold=-1)["matched"] is True


def test_a_picture_is_verified_against_an_identity(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes, nobody: bytes
) -> None:
    """The nearest of the identity's faces counts; an identity without faces cannot be compared with."""
    identity = enrol(api, gallery, collins, hopper, name="Both")
    path = f"/v1/galleries/{gallery}/identities/{identity['id']}/verify"

    for picture, face in zip((collins, hopper), identity["faces"], strict=True):
        answer = api.post(path, files=files("image", scaled(picture, 0.9))).json()
        assert answer["matched"] is True
        assert answer["face_id"] == face["id"]

    assert_problem(api.post(path, files=files("image", nobody)), 422, "no_face_found")
    empty = enrol(api, gallery, name="Nobody yet")
    path = f"/v1/galleries/{gallery}/identities/{empty['id']}/verify"
    assert_problem(api.post(path, files=files("image", hopper)), 422, "no_face_found")


def test_verify_says_which_picture_has_no_face(api: TestClient, hopper: bytes, nobody: bytes) -> None:
    answer = api.post("/v1/verify", files=[*files("image_a", hopper), *files("image_b", nobody)])
    problem = assert_problem(answer, 422, "no_face_found")

    assert "image_b" in problem["detail"]


def test_detect_finds_all_faces_the_largest_first(
    api: TestClient, hopper: bytes, collins: bytes, nobody: bytes
) -> None:
    both = side_by_side(collins, hopper)
    answer = api.post("/v1/detect", files=files("image", both)).json()

    assert (answer["width_px"], answer["height_px"]) == (1024, 600)
    widths = [face["box"]["width"] for face in answer["faces"]]
    assert len(widths) == answer["faces_found"] == 2
    assert widths == sorted(widths, reverse=True)
    assert answer["faces"][0]["box"]["x"] > 512  # Hopper, on the right, is larger
    assert {"box", "landmarks", "confidence", "quality"} <= answer["faces"][0].keys()

    one = api.post("/v1/detect", files=files("image", both), data={"max_faces": 1}).json()
    assert len(one["faces"]) == 1
    assert one["faces_found"] == 2
    assert api.post("/v1/detect", files=files("image", nobody)).json()["faces"] == []


def test_landmarks_lie_in_the_face(api: TestClient, hopper: bytes) -> None:
    """Eyes over nose over mouth, left on the left, all within the box."""
    [face] = api.post("/v1/detect", files=files("image", hopper)).json()["faces"]
    box, marks = face["box"], face["landmarks"]

    for x, y in marks.values():
        assert box["x"] < x < box["x"] + box["width"]
        assert box["y"] < y < box["y"] + box["height"]
    assert marks["left_eye"][0] < marks["right_eye"][0]
    assert marks["mouth_left"][0] < marks["mouth_right"][0]
    assert marks["left_eye"][1] < marks["nose"][1] < marks["mouth_left"][1]


def test_requests_at_once_all_finish_and_agree(
    api: TestClient, gallery: str, hopper: bytes, collins: bytes
) -> None:
    """Eight identifications while people are enrolled and deleted: each is answered rightly."""
    enrol(api, gallery, hopper, name="Hopper")
    enrol(api, gallery, collins, name="Collins")
    both = side_by_side(hopper, collins)
    answers: list[list[list[str]]] = []
    changes: list[int] = []

    def ask() -> None:
        faces = identify(api, gallery, both, max_faces=2)["faces"]
        answers.append([matched_names(face)[:1] for face in faces])

    def come_and_go() -> None:
        for _ in range(3):
            passing = enrol(api, gallery, name="Passing")
            gone = api.delete(f"/v1/galleries/{gallery}/identities/{passing['id']}")
            changes.append(gone.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)] + [threading.Thread(target=come_and_go)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [[["Hopper"], ["Collins"]]] * 8
    assert changes == [204] * 3


def test_after_a_restart_everybody_is_found(
    service_settings: Settings, hopper: bytes, collins: bytes
) -> None:
    """A service is stopped, and another on the same database knows who was enrolled, and not who
    was deleted."""
    name = f"restart-{uuid4().hex}"
    with TestClient(create_app(service_settings)) as before:
        before.post("/v1/galleries", json={"name": name})
        enrolled = enrol(before, name, hopper, name="Hopper")
        gone = enrol(before, name, collins, name="Collins")
        before.delete(f"/v1/galleries/{name}/identities/{gone['id']}")
        answered = identify(before, name, hopper)

    with TestClient(create_app(service_settings)) as after:
        answer = identify(after, name, hopper)
        assert answer["faces"] == answered["faces"]
        assert answer["gallery_size"] == 1
        assert answer["faces"][0]["candidates"][0]["identity"]["id"] == enrolled["id"]
        assert matched_names(identify(after, name, collins)["faces"][0]) == []


def test_a_second_server_finds_at_once_what_the_first_enrolled(
    api: TestClient, service_settings: Settings, gallery: str, hopper: bytes, collins: bytes
) -> None:
    """Two run on one database: what one enrols the other finds, what one deletes the other no longer."""
    with TestClient(create_app(service_settings)) as second:
        assert identify(second, gallery, hopper)["gallery_size"] == 0

        person = enrol(api, gallery, hopper, name="Hopper")
        assert matched_names(identify(second, gallery, hopper)["faces"][0]) == ["Hopper"]

        other = enrol(second, gallery, collins, name="Collins")
        assert matched_names(identify(api, gallery, collins)["faces"][0]) == ["Collins"]

        api.delete(f"/v1/galleries/{gallery}/identities/{person['id']}")
        assert matched_names(identify(second, gallery, hopper)["faces"][0]) == []
        second.delete(f"/v1/galleries/{gallery}/identities/{other['id']}/faces/{other['faces'][0]['id']}")
        assert identify(api, gallery, collins)["faces"][0]["candidates"] == []

        api.delete(f"/v1/galleries/{gallery}")
        assert_problem(try_to_identify(second, gallery, hopper), 404, "gallery_not_found")
