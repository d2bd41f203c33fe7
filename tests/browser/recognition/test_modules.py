"""Parts of the pages by themselves: words of quality, names from files, crops."""

import base64
import io
import itertools
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from indexer.vision.align import crop_with_margin
from tests.browser.recognition.conftest import file
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.pictures import pixels

GOOD = {"score": 90, "size": 95, "sharpness": 90, "exposure": 100, "pose": 95, "expected_miss_rate": 0.03}


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page("#/try")


def test_quality_in_words_says_what_is_wrong_and_whether_to_trust_the_answer(page: Page) -> None:
    def words(reason: str | None = None, **changes: Any) -> tuple[str, str]:
        answer = page.evaluate(
            "async ([quality, reason]) => (await import('/console/components/match/quality.js'))"
            ".qualityInWords(quality, reason)",
            [GOOD | changes, reason],
        )
        return answer["level"], answer["text"]

    assert words() == ("good", "Good picture of the face")
    assert words(expected_miss_rate=None)[0] == "good"
    assert words(sharpness=30) == ("weak", "Less certain than usual: the face is blurred")
    assert words(sharpness=30, size=20)[1] == "Less certain than usual: the face is small, blurred"
    assert words(sharpness=5) == ("bad", "Too poor to trust: the face is very blurred")
    assert words(expected_miss_rate=0.84, pose=10) == (
        "bad",
        "Hard to recognise: searches miss about 84 % of such faces. It is turned far away",
    )
    for reason in ("face_too_small", "face_blurred", "face_unrecognisable"):
        level, text = words(reason)
        assert level == "bad"
        assert "trust: this face matches nobody, whatever its score" in text


def test_a_person_is_named_by_the_file_unless_the_name_is_a_cameras(page: Page) -> None:
    def name(of: str) -> str:
        return str(
            page.evaluate(
                "async name => (await import('/console/components/photo/photo.js')).personIn(name)", of
            )
        )

    assert name("grace_hopper.jpg") == "grace hopper"
    assert name("Eileen-Collins (2).heic") == "Eileen Collins"
    assert name("Zoë Ångström.png") == "Zoë Ångström"
    assert name("George_W_Bush_0001.jpg") == "George W Bush"
    for nobody in (
        *(
            "IMG_20260131_0930.jpg",
            "IMG_1234 (edited).jpg",
            "DSC00042.JPG",
            "PXL_20260131.jpg",
            "P1010001.JPG",
        ),
        *("photo.jpg", "photo2.png", "Untitled-1.png", "WhatsApp Image 2026-01-31 at 10.11.12.jpeg"),
        *("2026-01-31.jpg", "12 May 2026.jpg", "May 2026.jpg", "Screenshot from 2026-01-31 10-11-12.png"),
        *("550e8400-e29b-41d4-a716-446655440000.jpg", "5f1a2b3c.jpeg", ".jpg"),
    ):
        assert name(nobody) == "", nobody


def test_the_browser_cuts_a_face_as_the_server_does_by_the_same_landmarks(
    page: Page, api: ApiClient, hopper: bytes
) -> None:
    api.create_gallery("staff")
    person = api.enrol("staff", "Grace Hopper", hopper)
    [face] = person["faces"]
    landmarks = np.array(list(face["landmarks"].values()), np.float32)
    crop = crop_with_margin(pixels(hopper), landmarks).jpeg
    data = page.evaluate(
        """async ([data, landmarks]) => {
            const image = new Image();
            image.src = URL.createObjectURL(new Blob([Uint8Array.from(atob(data), c => c.charCodeAt(0))]));
            await image.decode();
            const {faceCrop} = await import("/console/components/photo/crop.js");
            return faceCrop(image, landmarks, "a face").toDataURL("image/png").split(",")[1];
        }""",
        [base64.b64encode(hopper).decode(), face["landmarks"]],
    )
    ours, theirs = (grey(picture) for picture in (base64.b64decode(data), crop))
    assert np.abs(ours - theirs).mean() < 2, "of 255"
    assert np.abs(ours[:, ::-1] - theirs).mean() > 20, "the measure sees a difference"


def grey(picture: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(picture)).convert("L").resize((84, 84), Image.Resampling.BOX)
    return np.asarray(image, np.float32)


def test_a_face_that_the_gallery_does_not_trust_says_so(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper)
    api.patch("/v1/galleries/staff", json={"min_match_face_px": 400})
    page = open_page("#/galleries/staff/identify")
    page.get_by_label("Drop a photograph here").set_input_files(file(hopper))
    page.get_by_role("heading", name="One face is too poor to tell.").wait_for()
    page.get_by_text("Too small to trust: this face matches nobody").wait_for()
    page.get_by_role("button", name="Face 1: Cannot tell").wait_for()


def test_names_of_neighbours_do_not_cover_each_other(page: Page) -> None:
    labels = page.evaluate(
        """async () => {
            const {pictureWithBoxes} = await import("/console/components/picture/picture.js");
            const picture = pictureWithBoxes(null, {width: 400, height: 200, missing: ""});
            document.querySelector("main").append(picture.element);
            picture.show([0, 1, 2, 3].map((i) => ({
                box: {x: 30 + 100 * i, y: 40 + 5 * (i % 2), width: 40, height: 60},
                label: "Somebody with a long name", detail: "0.579", name: "", kind: "match",
            })));
            return [...picture.element.querySelectorAll(".box-label")].map((label) => {
                const {left, right} = label.getBoundingClientRect();
                return [left, right];
            });
        }"""
    )
    assert len(labels) == 4
    assert all(right <= left for (_, right), (left, _) in itertools.pairwise(labels))
    assert all(right - left > 40 for left, right in labels)
