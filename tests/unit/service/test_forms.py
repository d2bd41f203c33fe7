"""Forms and base64 are taken apart as they were put together, or rejected."""

import base64
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InvalidRequest
from service.requests.base64_bytes import decoded, looks_encoded
from service.requests.forms import MAX_FIELDS, Part, parse_multipart, parse_urlencoded

KIND = "multipart/form-data; boundary=bound"
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters='"\\\r\n;', exclude_categories=["Cc"]), min_size=1
)


def multipart(*parts: tuple[str, bytes]) -> bytes:
    """Header fields and data of each part."""
    whole = b"".join(b"--bound\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n" for head, data in parts)
    return whole + b"--bound--\r\n"


def field(name: str, *more: str) -> str:
    return "\r\n".join([f'Content-Disposition: form-data; name="{name}"', *more])


@given(st.lists(st.tuples(NAMES.map(str.strip).filter(bool), st.binary()), max_size=5))
def test_multipart_is_read_as_it_was_written(written: list[tuple[str, bytes]]) -> None:
    parts = [(name, data.replace(b"--bound", b"")) for name, data in written]
    read = parse_multipart(multipart(*((field(name), data) for name, data in parts)), KIND)

    assert [(part.name, part.data) for part in read] == parts


@given(st.binary(max_size=200))
def test_any_bytes_are_a_form_or_rejected(body: bytes) -> None:
    for whole in (body, b"--bound\r\n" + body, b"--bound\r\n" + body + b"\r\n--bound--"):
        try:
            parse_multipart(whole, KIND)
        except InvalidRequest:
            continue
    try:
        parse_urlencoded(body)
    except InvalidRequest:
        pass


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5))
def test_urlencoded_is_read_as_it_was_written(pairs: list[tuple[str, str]]) -> None:
    pairs = [
        (a.encode(errors="ignore").decode() or "a", b.encode(errors="ignore").decode()) for a, b in pairs
    ]
    read = parse_urlencoded(urlencode(pairs).encode())

    assert [(part.name, part.text) for part in read] == pairs


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_form_that_breaks_off_is_rejected(cut: int) -> None:
    whole = multipart((field("a"), b"1" * 20), (field("b"), b"2"))
    with pytest.raises(InvalidRequest):
        parse_multipart(whole[: -cut - 4], KIND)


def test_what_stands_before_and_behind_a_form_is_ignored() -> None:
    [part] = parse_multipart(b"preamble\r\n" + multipart((field("a"), b"1")) + b"epilogue", KIND)
    assert (part.name, part.data) == ("a", b"1")


@pytest.mark.parametrize("parts", [MAX_FIELDS + 1, 100_000])
def test_more_parts_than_a_form_has_are_rejected(parts: int) -> None:
    with pytest.raises(InvalidRequest, match="more than"):
        parse_multipart(multipart(*[(field("a"), b"")] * parts), KIND)
    with pytest.raises(InvalidRequest, match="more than"):
        parse_urlencoded(b"a=1&" * parts)
    with pytest.raises(InvalidRequest, match="more than"):
        parse_urlencoded(b"&" * parts)


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("base64", b"/9j/\r\n4A=="),
        ("BASE64", b"_9j_4A"),
        ("quoted-printable", b"=FF=D8=FF=\r\n=E0"),
        ("binary", b"\xff\xd8\xff\xe0"),
    ],
)
def test_a_transfer_encoding_of_a_part_is_undone(encoding: str, sent: bytes) -> None:
    head = field("image", f"Content-Transfer-Encoding: {encoding}")
    [part] = parse_multipart(multipart((head, sent)), KIND)
    assert part.data == b"\xff\xd8\xff\xe0"


@pytest.mark.parametrize("encoding", ["gzip", "x-token", "base64"])
def test_an_unknown_or_wrong_transfer_encoding_is_rejected(encoding: str) -> None:
    head = field("image", f"Content-Transfer-Encoding: {encoding}")
    with pytest.raises(InvalidRequest):
        parse_multipart(multipart((head, b"!!!!!")), KIND)


def test_a_part_says_its_charset() -> None:
    for charset, data in (("iso-8859-1", b"\xe9"), ("utf-8", b"\xc3\xa9"), ("nonsense", b"\xc3\xa9")):
        [part] = parse_multipart(
            multipart((field("a", f"Content-Type: text/plain; charset={charset}"), data)), KIND
        )
        assert part.text == "é"
    with pytest.raises(InvalidRequest, match="a is not utf-8"):
        _ = Part(name="a", data=b"\xff").text


@given(st.binary(min_size=1))
def test_base64_is_read_however_it_is_written(data: bytes) -> None:
    standard = base64.b64encode(data)
    for written in (
        standard,
        standard.rstrip(b"="),
        base64.urlsafe_b64encode(data),
        base64.encodebytes(data),
        base64.encodebytes(data).replace(b"\n", b"\r\n"),
        b"data:image/jpeg;base64," + standard,
        b"data:image/jpeg;name=a.jpg;base64," + base64.urlsafe_b64encode(data),
    ):
        assert decoded(written) == data
        assert decoded(written.decode()) == data
    for escaped in (quote_plus(standard), standard.decode(), quote_plus(standard, safe="+")):
        [part] = parse_urlencoded(f"image={escaped}".encode())
        assert part.picture == data, "with a + that is escaped, and with one that is not"


@pytest.mark.parametrize(
    "wrong", ["a", "!!!", "é", "data:image/jpeg,abcd", "ab=cd===e", "YQ==YQ==", "\ud800"]
)
def test_what_is_no_base64_is_rejected(wrong: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the messages differ
        decoded(wrong)


@pytest.mark.parametrize(
    "start",
    [
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a\x01\x00\x01\x00\x80",
        b"RIFF\x24\x00\x00\x00WEBP",
        b"BM\x8a\x7b\x0c\x00",
        b"II*\x00\x08\x00",
        b"MM\x00*\x00\x00",
        b"P3\n1 1\n255\n0 0 0\n",
        b"P6 1 1 255 abc",
        b"\x00\x00\x00\x18ftypheic",
    ],
)
def test_a_picture_is_not_taken_for_base64(start: bytes) -> None:
    assert not looks_encoded(start)
    assert looks_encoded(base64.b64encode(start))


def test_a_long_value_with_many_escapes_is_read() -> None:
    """Base64 of which each sign that can be is escaped; and what is nothing but escapes is rejected."""
    data = b"\xff\xff\xff" * 300_000
    [part] = parse_urlencoded(b"image=" + quote_plus(base64.b64encode(data)).encode())
    assert part.picture == data
    with pytest.raises(InvalidRequest, match="escapes"):
        parse_urlencoded(b"image=" + b"%41" * 1_000_000)


def test_a_part_with_more_semicolons_than_a_file_name_has_is_malformed() -> None:
    file_name = field("a", f'Content-Type: image/jpeg; name="{";" * 255}"')

    assert [part.name for part in parse_multipart(multipart((file_name, b"x")), KIND)] == ["a"]
    with pytest.raises(InvalidRequest, match="semicolons"):
        parse_multipart(multipart((field("a") + ";" * 400, b"x")), KIND)


def test_a_form_whose_content_type_has_more_than_300_semicolons_is_malformed() -> None:
    body = multipart((field("a"), b"x"))

    assert [part.name for part in parse_multipart(body, KIND + ";" * 200)] == ["a"]
    with pytest.raises(InvalidRequest, match="semicolons"):
        parse_multipart(body, KIND + ";" * 400)


def test_a_picture_in_a_field_that_takes_text_is_told_that_the_field_is_wrong() -> None:
    with pytest.raises(
        InvalidRequest, match=r"foto is not utf-8 text; this request takes no picture in that"
    ):
        _ = Part(name="foto", data=b"\xff\xd8\xff", filename="me.jpg").text
