"""Facts about the routes of single checks."""

import pytest

from tests.unit.service.harness import GOOD, JPEG, Harness, error

FAIL = b"IMG: face_match=fail"


@pytest.fixture(name="harness")
def _harness() -> Harness:
    return Harness()


def test_faces_are_compared(harness: Harness) -> None:
    """The reply is the check's result, with its reason; nothing is stored."""
    files = {"reference": ("r.jpg", GOOD, JPEG), "probe": ("p.jpg", FAIL, JPEG)}
    response = harness.call("POST", "/v1/faces/compare", files=files)
    body = response.json()
    assert response.status_code == 200
    assert (body["name"], body["outcome"], body["score"]) == ("face_match", "fail", -3.0)
    assert [reason["code"] for reason in body["reasons"]] == ["face_mismatch"]
    assert harness.stores.audit.entries()[-1].action == "key.issued"


def test_liveness_is_checked(harness: Harness) -> None:
    """One selfie, one result."""
    selfie = b"IMG: liveness=inconclusive"
    body = harness.call("POST", "/v1/liveness/check", files={"selfie": ("s.jpg", selfie, JPEG)}).json()
    assert (body["name"], body["outcome"], body["score"]) == ("liveness", "inconclusive", None)


def test_a_document_is_read(harness: Harness) -> None:
    """The reply holds the check and what was read from each side sent."""
    files = {"document_front": ("d.jpg", b"IMG:DOE", JPEG)}
    body = harness.call("POST", "/v1/documents/read", files=files).json()
    assert body["check"]["outcome"] == "pass"
    assert body["front"]["fields"] == [{"name": "surname", "value": "DOE", "zone": "viz", "confidence": 1.0}]
    assert body["back"] is None
    both = files | {"document_back": ("b.jpg", b"IMG:BACK", JPEG)}
    assert harness.call("POST", "/v1/documents/read", files=both).json()["back"]["fields"]


def test_a_document_is_checked(harness: Harness) -> None:
    """The reply holds the authenticity check and, by side sent, the type and where the document lies."""
    files = {"document_front": ("d.jpg", b"IMG: document_authenticity=fail", JPEG)}
    body = harness.call("POST", "/v1/documents/check", files=files).json()
    assert (body["check"]["name"], body["check"]["outcome"]) == ("document_authenticity", "fail")
    assert [reason["code"] for reason in body["check"]["reasons"]] == ["document_tampered"]
    assert body["check"]["regions"] == []
    assert (body["front"], body["back"]) == ({"document_type": None, "quadrilateral": None}, None)
    both = files | {"document_back": ("b.jpg", GOOD, JPEG)}
    assert harness.call("POST", "/v1/documents/check", files=both).json()["back"] is not None


def test_a_picture_that_is_none_names_its_part(harness: Harness) -> None:
    """A MediaError tells which of two files was meant."""
    files = {"reference": ("r.jpg", GOOD, JPEG), "probe": ("p.jpg", b"GIF89a", JPEG)}
    response = harness.call("POST", "/v1/faces/compare", files=files)
    assert error(response) == (422, "media_type_unknown", "probe")


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("faces/compare", "reference"),
        ("documents/read", "document_front"),
        ("documents/check", "document_front"),
        ("liveness/check", "selfie"),
    ],
)
def test_a_missing_part_is_named(harness: Harness, path: str, part: str) -> None:
    """The first part that is needed and was not sent."""
    other = "probe" if path == "faces/compare" else "document_back"
    files = {other: ("x.jpg", GOOD, JPEG)} if path != "liveness/check" else {}
    if not files:
        response = harness.call(
            "POST",
            f"/v1/{path}",
            content=b"--b--\r\n",
            headers={"content-type": "multipart/form-data; boundary=b"},
        )
    else:
        response = harness.call("POST", f"/v1/{path}", files=files)
    assert error(response) == (422, "part_missing", part)
