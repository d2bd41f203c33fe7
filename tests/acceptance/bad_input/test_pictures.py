"""Whatever picture is sent: a clear refusal or the right answer, and nothing left behind."""

import base64

import PIL.Image
import pytest
from fastapi.testclient import TestClient

from tests.support.asking import (
    assert_problem,
    files,
    identify,
    matched_names,
    try_to_enrol,
    try_to_identify,
)
from tests.support.hostile import pictures as hostile_pictures
from tests.support.pictures import encoded, shared


@pytest.mark.parametrize("kind", hostile_pictures.UNREADABLE)
def test_a_file_that_is_no_picture_is_refused(
    api: TestClient, staff: str, person: str, hopper: bytes, unchanged: None, kind: str
) -> None:
    """By detect, identify and both kinds of verify with one status and code; by enrolment with that
    code among the reasons."""
    make, status, code = hostile_pictures.UNREADABLE[kind]
    picture = make(hopper)

    problem = assert_problem(
        api.post("/v1/detect", files=files("image", picture)), status or None, code or None
    )
    assert problem["code"] in {"unsupported_image_format", "unreadable_image", "image_too_large"}
    status, code = problem["status"], problem["code"]
    assert_problem(try_to_identify(api, staff, picture), status, code)
    assert_problem(api.post(f"{person}/verify", files=files("image", picture)), status, code)
    pair = [*files("image_a", hopper), *files("image_b", picture)]
    assert_problem(api.post("/v1/verify", files=pair), status, code)
    as_json = {"images": [base64.b64encode(picture).decode()]}
    for rejected in (
        try_to_enrol(api, staff, picture, name="Bad"),
        api.post(f"/v1/galleries/{staff}/identities", json=as_json),
        api.post(f"{person}/faces", files=files("images", picture)),
    ):
        [reason] = assert_problem(rejected, 422, "nothing_enrolled")["rejected"]
        assert reason["code"] == code
        assert reason["message"]


@pytest.mark.parametrize("kind", hostile_pictures.READABLE)
def test_a_face_is_found_and_matched_in_every_kind_of_picture(
    api: TestClient, staff: str, hopper: bytes, unchanged: None, kind: str
) -> None:
    """Of an animation the first frame counts; 16 bits are scaled, not cut; where it is transparent
    the picture is white."""
    [reference] = identify(api, staff, hopper)["faces"]
    answer = identify(api, staff, hostile_pictures.READABLE[kind](hopper))
    [face] = answer["faces"]

    assert matched_names(face) == ["Hopper"]
    for side in ("x", "y", "width", "height"):
        assert face["box"][side] == pytest.approx(reference["box"][side], abs=10)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_same_face_is_found_and_matched_in_every_orientation(
    api: TestClient, staff: str, hopper: bytes, unchanged: None, format: str
) -> None:
    """All eight of EXIF: the box lies where it does in the upright picture, whose size is reported."""
    [reference] = identify(api, staff, hopper)["faces"]
    for orientation in range(1, 9):
        picture = hostile_pictures.oriented(hopper, orientation, format)
        [face] = identify(api, staff, picture)["faces"]

        assert matched_names(face) == ["Hopper"], orientation
        for side in ("x", "y", "width", "height"):
            assert face["box"][side] == pytest.approx(reference["box"][side], abs=6), orientation
        for mark, point in face["landmarks"].items():
            assert point == pytest.approx(reference["landmarks"][mark], abs=6), orientation
    seen = api.post("/v1/detect", files=files("image", picture)).json()
    assert (seen["width_px"], seen["height_px"]) == (512, 600)


def test_an_orientation_that_does_not_exist_is_passed_over(
    api: TestClient, hopper: bytes, unchanged: None
) -> None:
    for orientation in (0, 9, 65_535):
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        picture = encoded(hostile_pictures.opened(hopper), "JPEG", exif=exif)
        answer = api.post("/v1/detect", files=files("image", picture))

        assert answer.status_code == 200
        assert answer.json()["faces_found"] == 1


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (2, 2), (31, 31), (1, 5000), (5000, 1), (60_000, 1), (3, 20_000)]
)
def test_a_picture_of_an_odd_size_has_no_face(
    api: TestClient, staff: str, unchanged: None, width: int, height: int
) -> None:
    """A pixel, or a line of them, is a picture all the same."""
    picture = encoded(PIL.Image.new("RGB", (width, height), "red"), "PNG")
    answer = api.post("/v1/detect", files=files("image", picture))

    assert answer.status_code == 200, answer.text
    assert answer.json()["faces"] == []
    assert (answer.json()["width_px"], answer.json()["height_px"]) == (width, height)
    [reason] = assert_problem(try_to_enrol(api, staff, picture), 422, "nothing_enrolled")["rejected"]
    assert reason["code"] == "no_face_found"


def test_a_picture_that_is_too_large_is_refused_with_both_figures(
    api: TestClient, staff: str, unchanged: None
) -> None:
    """Measured pixels and the limit, by identify and among the reasons of an enrolment alike."""
    picture = hostile_pictures.png_header(10_000, 6_000)
    problem = assert_problem(try_to_identify(api, staff, picture), 413, "image_too_large")
    assert problem["limit"] == 50_000_000
    assert "60" in problem["detail"] or "10000" in problem["detail"]

    [reason] = assert_problem(try_to_enrol(api, staff, picture), 422)["rejected"]
    assert reason["measured"] == 60_000_000
    assert reason["limit"] == 50_000_000


def test_bytes_flipped_anywhere_never_break_the_service(
    api: TestClient, hopper: bytes, unchanged: None
) -> None:
    """Pictures of five kinds with a stretch overwritten, each at many places: 200 or a refusal."""
    small = hostile_pictures.opened(hopper).resize((128, 150))
    for format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
        picture = encoded(small, format)
        for at in [*range(0, 64, 8), *range(64, len(picture), max(1, len(picture) // 12))]:
            for junk in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
                damaged = picture[:at] + junk + picture[at + 4 :]
                answer = api.post("/v1/detect", files=files("image", damaged))
                if answer.status_code != 200:
                    assert_problem(answer)


HARD_INPUTS = {
    "16_bit_noise.tif": 200,
    "16bit.cropped.tif": 200,
    "broken.png": 415,
    "broken_data_stream.png": 422,
    "decompression_bomb.gif": 413,
    "decompression_bomb.ico": 415,
    "exif_gps.jpg": 200,
    "exif_typeerror.jpg": 200,
    "first_frame_transparency.gif": 200,
    "hopper.bmp": 200,
    "hopper.gif": 200,
    "hopper.tif": 200,
    "hopper.webp": 200,
    "hopper_16bit.pgm": 200,
    "hopper_bad_exif.jpg": 200,
    "hopper_float_dpi_2.tif": 200,
    "pil_sample_cmyk.jpg": 200,
    "transparent.png": 200,
    "truncated_image.png": 422,
    "truncated_jpeg.jpg": 200,  # of its end marker alone a byte is missing
}


"""Each file of the collection and the status it gets: 200 where it is a picture."""


@pytest.mark.parametrize("name", HARD_INPUTS)
def test_a_hard_input_is_decoded_or_refused(api: TestClient, staff: str, unchanged: None, name: str) -> None:
    """The faces of the small Hoppers are found; what is rejected is rejected with a reason."""
    picture = shared(f"data/hard-inputs/{name}").read_bytes()
    answer = api.post("/v1/detect", files=files("image", picture))

    assert answer.status_code == HARD_INPUTS[name], answer.text
    if answer.status_code != 200:
        assert_problem(answer)
    elif name.startswith("hopper") and name != "hopper_bad_exif.jpg":  # of which nobody is left
        assert answer.json()["faces_found"] == 1
        assert matched_names(identify(api, staff, picture)["faces"][0]) == ["Hopper"]


def test_every_hard_input_is_in_the_table() -> None:
    folder = shared("data/hard-inputs")
    assert {p.name for p in folder.iterdir() if p.suffix and p.is_file()} == set(HARD_INPUTS)


@pytest.mark.parametrize(("kind", "size"), [("Portrait", (1200, 1800)), ("Landscape", (1800, 1200))])
def test_pictures_of_all_orientations_are_turned_upright(
    api: TestClient, unchanged: None, kind: str, size: tuple[int, int]
) -> None:
    """Nine files that show the same upright, whatever way they are stored."""
    for orientation in range(9):
        picture = shared(f"data/hard-inputs/exif/{kind}_{orientation}.jpg").read_bytes()
        answer = api.post("/v1/detect", files=files("image", picture)).json()

        assert (answer["width_px"], answer["height_px"]) == size, orientation
