"""Facts about reading multipart bodies: whole, limited, strict, however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import IdvError
from idv.service.multipart import FormReader, PartKind, PartRule, boundary_of

LAYOUT = {
    "selfie": PartRule(PartKind.FILE, 64, required=True),
    "document_front": PartRule(PartKind.FILE, 64),
    "metadata": PartRule(PartKind.TEXT, 32),
}
DISPOSITION = b"Content-Disposition: form-data; "
SELFIE = b'name="selfie"; filename="s.jpg"'


def part(head: bytes, content: bytes = b"abc", *more: bytes) -> bytes:
    """One part with its boundary before it."""
    return b"--b\r\n" + b"\r\n".join((DISPOSITION + head, *more)) + b"\r\n\r\n" + content + b"\r\n"


def code(body: bytes, *, step: int | None = None, max_bytes: int = 10_000) -> str | dict[str, bytes]:
    """The error code reading the body gives, or its parts."""
    reader = FormReader(b"b", LAYOUT, max_bytes=max_bytes)
    step = step or max(1, len(body))
    try:
        for start in range(0, len(body), step):
            reader.feed(body[start : start + step])
        return dict(reader.form().parts)
    except IdvError as error:
        return error.code


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_a_form_is_read_however_it_is_cut(step: int) -> None:
    """Parts come whole whether they arrive byte by byte or at once; line breaks inside are content."""
    content = b"\xff\xd8\r\n--\r\n--c\r\n\x00"
    body = part(SELFIE, content) + part(b'name="metadata"', b"{}") + b"--b--\r\nepilogue"
    assert code(body, step=step) == {"selfie": content, "metadata": b"{}"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "multipart_malformed"),
        (b"not multipart at all", "multipart_malformed"),
        (b"--b--\r\n", "part_missing"),
        (b"--other\r\n\r\n", "multipart_malformed"),
        (part(SELFIE), "multipart_malformed"),
        (part(SELFIE) + b"--b\r\n", "multipart_malformed"),
        (b"--b\r\n\r\nabc\r\n--b--", "multipart_malformed"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--b--", "multipart_malformed"),
        (b'--b\r\nContent-Disposition: attachment; name="selfie"\r\n\r\n', "multipart_malformed"),
        (b"--b\r\nbroken header\r\n\r\n", "multipart_malformed"),
        (b"--b\r\n: empty\r\n\r\n", "multipart_malformed"),
        (part(SELFIE, b"abc", DISPOSITION + SELFIE), "multipart_malformed"),
        (part(SELFIE, b"abc", b"X: " + b"y" * 5000), "multipart_malformed"),
        (part(SELFIE, b"abc", *[b"X-%d: y" % n for n in range(20)]), "multipart_malformed"),
        (part(SELFIE) + part(SELFIE) + b"--b--", "part_duplicate"),
        (part(b'name="canary"; filename="c.jpg"'), "part_unknown"),
        (part(b'name="selfie"'), "file_expected"),
        (part(b'name="selfie"', b"http://127.0.0.1:1/x.jpg"), "file_expected"),
        (part(SELFIE, b"abc", b"Content-Type: text/plain"), "file_expected"),
        (part(SELFIE, b"abc", b"Content-Type: multipart/mixed; boundary=c"), "file_expected"),
        (part(SELFIE, b"abc", b"Content-Type: image/\xff"), "file_expected"),
        (part(b'name="metadata"', b"{}", b"Content-Type: image/jpeg"), "text_expected"),
        (part(SELFIE, b"YWJj", b"Content-Transfer-Encoding: base64"), "part_encoding_unsupported"),
        (part(SELFIE, b"") + b"--b--", "media_empty"),
        (part(SELFIE, b"x" * 65) + b"--b--", "part_too_large"),
        (part(SELFIE) + part(b'name="metadata"', b"x" * 33), "part_too_large"),
        (part(b"name=\"selfie\"; filename*=UTF-8''s.jpg"), "file_expected"),
    ],
)
def test_each_fault_has_its_code(body: bytes, expected: str) -> None:
    """Every malformed or unwanted form is refused by name, at once or byte by byte."""
    assert code(body) == expected
    assert code(body, step=1) == expected


def test_the_whole_body_is_limited() -> None:
    """One byte more than allowed is too many, wherever it stands."""
    body = part(SELFIE) + b"--b--\r\n"
    assert isinstance(code(body, max_bytes=len(body)), dict)
    assert code(body + b"!", max_bytes=len(body)) == "body_too_large"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "content_type_unsupported"),
        ("", "content_type_unsupported"),
        ("application/json", "content_type_unsupported"),
        ("multipart/mixed; boundary=b", "content_type_unsupported"),
        ("multipart/form-data", "multipart_malformed"),
        ("multipart/form-data; boundary=", "multipart_malformed"),
        ("multipart/form-data; boundary=" + "b" * 71, "multipart_malformed"),
        ('multipart/form-data; boundary="b{"', "multipart_malformed"),
        ("multipart/form-data; boundary=\u0101", "content_type_unsupported"),
    ],
)
def test_a_boundary_has_to_be_one(header: str | None, expected: str) -> None:
    """Anything but multipart/form-data with a boundary of RFC 2046 is refused."""
    with pytest.raises(IdvError) as caught:
        boundary_of(header)
    assert caught.value.code == expected


def test_a_quoted_boundary_is_understood() -> None:
    """Quotes belong to the header, not to the boundary."""
    assert boundary_of('Multipart/Form-Data; charset=x; boundary="a b"') == b"a b"


@given(st.binary(max_size=300), st.integers(1, 40))
def test_no_bytes_break_the_reader(body: bytes, step: int) -> None:
    """Whatever comes, the answer is a form or a named error."""
    assert isinstance(code(b"--b\r\n" + body, step=step), str | dict)


@given(st.binary(min_size=1, max_size=64), st.integers(1, 40))
def test_any_content_comes_through(content: bytes, step: int) -> None:
    """Bytes without the boundary arrive as they were sent."""
    if b"\r\n--b" in b"\r\n" + content:
        return
    assert code(part(SELFIE, content) + b"--b--", step=step) == {"selfie": content}
