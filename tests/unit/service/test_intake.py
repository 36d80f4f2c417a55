"""Facts about metadata and fingerprints."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import RequestError
from idv.service.intake import claimed_identity, fingerprint, parse_json
from idv.service.wire import Claimed, Metadata
from tests.unit.service.harness import Harness, Json, error


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"applicant_ref": ""}, "metadata.applicant_ref"),
        ({"applicant_ref": "x" * 129}, "metadata.applicant_ref"),
        ({"applicant_ref": "a\x00b"}, "metadata.applicant_ref"),
        ({"applicant_ref": 7}, "metadata.applicant_ref"),
        ({"claimed": []}, "metadata.claimed"),
        ({"claimed": {"surname": "x" * 201}}, "metadata.claimed.surname"),
        ({"claimed": {"surname": "a\nb"}}, "metadata.claimed.surname"),
        ({"claimed": {"date_of_birth": "12.8.1974"}}, "metadata.claimed.date_of_birth"),
        ({"claimed": {"date_of_birth": "1974-02-30"}}, "metadata.claimed.date_of_birth"),
        ({"claimed": {"CANARY": 1}}, "metadata.claimed"),
        ({"CANARY": 1}, "metadata"),
    ],
)
def test_metadata_is_checked(metadata: Json, field: str) -> None:
    """Every fault is a 422 naming our field and repeating nothing of theirs."""
    response = Harness().verify(metadata=metadata)
    assert error(response) == (422, "value_invalid", field)
    assert "CANARY" not in response.text


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 10_000, b'{"a":"\\ud800"}', b"null", b"[]"])
def test_json_that_is_none_is_refused(data: bytes) -> None:
    """Malformed, too deep or of another shape: named, never an exception of another kind."""
    with pytest.raises(RequestError) as caught:
        parse_json(data, Metadata)
    assert caught.value.code in {"json_malformed", "value_invalid"}


@given(st.text(max_size=60))
def test_no_metadata_breaks_the_parser(text: str) -> None:
    """Any text is metadata or a RequestError."""
    for data in (text.encode("utf-8", "surrogatepass"), json.dumps({"applicant_ref": text}).encode()):
        assert set(_field_of_fault(data) or "") <= set(string.ascii_lowercase + "._")


def _field_of_fault(data: bytes) -> str | None:
    try:
        parse_json(data, Metadata)
    except RequestError as error:
        return error.field
    return None


def test_an_empty_claim_is_none() -> None:
    """`{}` claims nothing."""
    assert claimed_identity(Claimed()) is None
    assert claimed_identity(Claimed(surname="DOE")) is not None


def test_a_fingerprint_depends_on_names_bytes_and_route_alone() -> None:
    """Not on the order of the parts; but on every name, every byte and the route."""
    parts = {"a": b"1", "b": b"2"}
    same = fingerprint("POST /x", dict(reversed(parts.items())))
    assert fingerprint("POST /x", parts) == same
    others = [
        fingerprint("POST /y", parts),
        fingerprint("POST /x", {"a": b"1"}),
        fingerprint("POST /x", {"a": b"2", "b": b"1"}),
        fingerprint("POST /x", {"c": b"1", "b": b"2"}),
    ]
    assert len({same, *others}) == 5
