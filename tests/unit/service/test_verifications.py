"""Facts about the routes of verifications."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from idv.domain.evidence import Evidence
from idv.domain.stores import Scope
from idv.workflow.verification import Limits
from tests.unit.service.harness import GOOD, JPEG, Harness, error

FAIL = b"IMG: face_match=fail"
BLURRED = b"IMG: document_reading=inconclusive"


@pytest.fixture(name="harness")
def _harness() -> Harness:
    return Harness()


def test_a_good_onboarding_is_accepted(harness: Harness) -> None:
    """201 with the decision, no reasons, and one result a check."""
    response = harness.verify(metadata={"applicant_ref": "a-1", "claimed": {"surname": "DOE"}})
    body = response.json()
    assert response.status_code == 201
    assert (body["decision"], body["status"], body["reasons"]) == ("accept", "decided", [])
    assert body["applicant_ref"] == "a-1"
    assert [check["name"] for check in body["checks"]] == [
        "document_reading",
        "document_authenticity",
        "face_match",
        "liveness",
        "identity_match",
    ]


def test_a_mismatch_is_rejected_with_its_reason(harness: Harness) -> None:
    """The reason says its code, kind, sentence and the check that gave it."""
    body = harness.verify(selfie=FAIL).json()
    assert body["decision"] == "reject"
    assert body["reasons"] == [
        {
            "code": "face_mismatch",
            "kind": "mismatch",
            "sentence": "The two faces do not belong to the same person.",
            "check": "face_match",
        }
    ]


def test_a_step_up_is_answered_with_further_evidence(harness: Harness) -> None:
    """New pictures decide the same verification again; a decided one waits for none."""
    first = harness.verify(document=BLURRED).json()
    assert (first["decision"], first["steps"]) == ("step_up", ["recapture_document"])
    url = f"/v1/verifications/{first['id']}/evidence"
    again = harness.call("POST", url, files={"document_front": ("d.jpg", GOOD, JPEG)})
    assert (again.status_code, again.json()["decision"], again.json()["id"]) == (200, "accept", first["id"])
    late = harness.call("POST", url, files={"document_front": ("d.jpg", GOOD, JPEG)})
    assert error(late) == (409, "verification_not_waiting", None)


def test_evidence_without_a_picture_is_refused(harness: Harness) -> None:
    """Metadata alone is no evidence."""
    case = harness.verify(document=BLURRED).json()["id"]
    files = {"metadata": (None, b"{}", "application/json")}
    response = harness.call("POST", f"/v1/verifications/{case}/evidence", files=files)
    assert error(response) == (422, "part_missing", None)


def test_a_reviewer_resolves_with_a_note(harness: Harness) -> None:
    """The decision is the reviewer's, with the key's id and the reason they gave."""
    case = harness.verify(selfie=FAIL).json()["id"]
    url = f"/v1/verifications/{case}/resolve"
    body = harness.call("POST", url, json={"decision": "accept", "note": "Twin brother."}).json()
    assert (body["decision"], body["note"]) == ("accept", "Twin brother.")
    assert body["decided_by"] == harness.stores.keys.list()[0].id
    unfinal = harness.call("POST", url, json={"decision": "review", "note": "x"})
    assert error(unfinal) == (409, "decision_not_final", "decision")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"{", (400, "json_malformed", None)),
        (b"[" * 9000, (400, "json_malformed", None)),
        (b'{"decision":"accept"}', (422, "value_invalid", "note")),
        (b'{"decision":"maybe","note":"x"}', (422, "value_invalid", "decision")),
        (b'{"decision":"accept","note":"x","canary":1}', (422, "value_invalid", None)),
        (b'{"decision":"accept","note":"' + b"x" * 20_000, (413, "body_too_large", None)),
    ],
)
def test_a_resolution_is_checked(harness: Harness, body: bytes, fault: tuple[int, str, str | None]) -> None:
    """Every fault of the JSON body has its code; unknown names are not repeated."""
    headers = {"content-type": "application/json"}
    response = harness.call("POST", "/v1/verifications/ver_1/resolve", content=body, headers=headers)
    assert error(response) == fault


def test_a_resolution_has_to_be_json(harness: Harness) -> None:
    """Another content type is a 415."""
    response = harness.call("POST", "/v1/verifications/ver_1/resolve", content=b"decision=accept")
    assert error(response) == (415, "content_type_unsupported", "Content-Type")


def test_erasing_is_proved_and_final(harness: Harness) -> None:
    """The reply holds the proof; afterwards there is no such verification."""
    case = harness.verify(metadata={"applicant_ref": "a-1"}).json()["id"]
    proof = harness.call("POST", f"/v1/verifications/{case}/erase")
    assert proof.status_code == 200
    assert proof.json()["verifications"] == 1
    assert proof.json()["audit_sequence"] == len(harness.stores.audit.entries())
    for method, path in (("GET", ""), ("POST", "/erase")):
        gone = harness.call(method, f"/v1/verifications/{case}{path}")
        assert error(gone) == (404, "verification_not_found", None)


def test_a_listing_is_paged_newest_first(harness: Harness) -> None:
    """Pages of two give all five once, newest first, and the last has no cursor."""
    made = []
    for number in range(5):
        made.append(harness.verify(metadata={"applicant_ref": f"a-{number}"}).json()["id"])
        harness.clock.advance(1)
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = harness.call("GET", "/v1/verifications", params=params).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


def test_a_listing_is_filtered(harness: Harness) -> None:
    """By applicant and by decision."""
    harness.verify(metadata={"applicant_ref": "a-1"})
    rejected = harness.verify(selfie=FAIL, metadata={"applicant_ref": "a-2"}).json()["id"]
    for params in ({"applicant_ref": "a-2"}, {"decision": "reject"}):
        items = harness.call("GET", "/v1/verifications", params=params).json()["items"]
        assert [item["id"] for item in items] == [rejected]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("cursor=%00", "cursor"),
        ("decision=perhaps", "decision"),
        ("applicant_ref=%07", "applicant_ref"),
        ("applicant_ref=", "applicant_ref"),
    ],
)
def test_a_query_is_checked(harness: Harness, query: str, field: str) -> None:
    """Every fault of the query is a 422 that names the field and never the value."""
    assert error(harness.call("GET", f"/v1/verifications?{query}")) == (422, "value_invalid", field)


def test_a_made_up_cursor_is_refused(harness: Harness) -> None:
    """A cursor that is none of ours is a 422."""
    status, code, _ = error(harness.call("GET", "/v1/verifications?cursor=abc"))
    assert (status, code) == (422, "cursor_invalid")


def test_tenants_never_see_each_other(harness: Harness) -> None:
    """Another tenant's identifier gives exactly the answer that an unknown one gives, on every route."""
    case = harness.verify(document=BLURRED).json()["id"]
    other = harness.key("rival")
    note = {"json": {"decision": "accept", "note": "x"}}
    files = {"files": {"selfie": ("s.jpg", GOOD, JPEG)}}
    for method, path, body in (
        ("GET", "", {}),
        ("POST", "/resolve", note),
        ("POST", "/erase", {}),
        ("POST", "/evidence", files),
    ):
        theirs = harness.call(method, f"/v1/verifications/{case}{path}", secret=other, **body)
        nobodys = harness.call(method, f"/v1/verifications/ver_none{path}", secret=other, **body)
        assert error(theirs) == error(nobodys) == (404, "verification_not_found", None)
        assert theirs.json()["error"]["message"] == nobodys.json()["error"]["message"]
    assert harness.call("GET", "/v1/verifications", secret=other).json()["items"] == []
    assert harness.call("GET", f"/v1/verifications/{case}").status_code == 200


@pytest.mark.parametrize("identifier", ["%00", "a" * 500, "ver%2F1", "%F0%9F%98%80", "..%2f.."])
def test_an_impossible_identifier_is_just_not_found(harness: Harness, identifier: str) -> None:
    """Whatever stands where an identifier should is a 404."""
    assert harness.call("GET", f"/v1/verifications/{identifier}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", "/v1/verifications", Scope.VERIFY),
        ("GET", "/v1/verifications", Scope.READ),
        ("GET", "/v1/verifications/ver_1", Scope.READ),
        ("POST", "/v1/verifications/ver_1/evidence", Scope.VERIFY),
        ("POST", "/v1/verifications/ver_1/resolve", Scope.REVIEW),
        ("POST", "/v1/verifications/ver_1/erase", Scope.ERASE),
        ("POST", "/v1/faces/compare", Scope.COMPARE),
        ("POST", "/v1/documents/read", Scope.COMPARE),
        ("POST", "/v1/documents/check", Scope.COMPARE),
        ("POST", "/v1/liveness/check", Scope.COMPARE),
    ],
)
def test_each_route_needs_its_scope(harness: Harness, method: str, path: str, needed: Scope) -> None:
    """A key with all other scopes is refused, a key with only this one is not."""
    without = harness.key("acme", *(scope for scope in Scope if scope is not needed))
    assert error(harness.call(method, path, secret=without)) == (403, "scope_missing", None)
    assert harness.call(method, path, secret=harness.key("acme", needed)).status_code not in (401, 403)


def test_the_same_key_and_parts_replay_byte_for_byte(harness: Harness) -> None:
    """The second request gets the bytes of the first and makes no second verification."""
    first = harness.verify(metadata={"applicant_ref": "a"}, Idempotency_Key="k-1")
    harness.clock.advance(5)
    second = harness.verify(metadata={"applicant_ref": "a"}, Idempotency_Key="k-1")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert len(harness.call("GET", "/v1/verifications").json()["items"]) == 1


def test_the_same_key_with_other_parts_is_refused(harness: Harness) -> None:
    """One byte more in one part is another request."""
    harness.verify(Idempotency_Key="k-1")
    other = harness.verify(selfie=GOOD + b"!", Idempotency_Key="k-1")
    assert error(other) == (422, "idempotency_key_reused", "Idempotency-Key")


def test_keys_of_two_tenants_do_not_meet(harness: Harness) -> None:
    """The same Idempotency-Key of another tenant is another key."""
    harness.verify(Idempotency_Key="k-1")
    other = harness.verify(selfie=FAIL, secret=harness.key("rival"), Idempotency_Key="k-1")
    assert other.status_code == 201


def test_resolving_twice_under_one_key_is_done_once(harness: Harness) -> None:
    """Idempotency covers resolve as well: one decision is added, not two."""
    case = harness.verify(selfie=FAIL).json()["id"]
    answers = {
        harness.call(
            "POST",
            f"/v1/verifications/{case}/resolve",
            json={"decision": "accept", "note": "seen"},
            headers={"Idempotency-Key": "r-1"},
        ).content
        for _ in range(2)
    }
    assert len(answers) == 1
    assert len(harness.stores.verifications.get("acme", case).decisions) == 2


def test_a_request_in_flight_is_a_conflict() -> None:
    """While the first runs, the second gets 409; once it ended, the replay."""
    entered, leave = threading.Event(), threading.Event()

    def hold(_: Evidence) -> None:
        entered.set()
        assert leave.wait(10)

    harness = Harness(pause=hold)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(harness.verify, Idempotency_Key="k-1")
        assert entered.wait(10)
        assert error(harness.verify(Idempotency_Key="k-1")) == (409, "idempotency_in_flight", None)
        leave.set()
        assert harness.verify(Idempotency_Key="k-1").content == first.result().content


def test_a_failed_request_gives_its_key_back(harness: Harness) -> None:
    """After a 4xx the same key can be used for the corrected request."""
    assert error(harness.verify(selfie=b"text", Idempotency_Key="k-1"))[1] == "media_type_unknown"
    assert harness.verify(Idempotency_Key="k-1").status_code == 201


@pytest.mark.parametrize("key", ["", "with blank", "x" * 129, "k\u00e9y"])
def test_an_idempotency_key_is_checked(harness: Harness, key: str) -> None:
    """1 to 128 visible ASCII characters."""
    response = harness.call(
        "POST", "/v1/verifications", headers=[("Idempotency-Key", key.encode("latin-1"))], content=b""
    )
    assert error(response) == (422, "idempotency_key_invalid", "Idempotency-Key")


def test_two_idempotency_keys_are_refused(harness: Harness) -> None:
    """Two headers do not name one key."""
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    response = harness.call("POST", "/v1/verifications", headers=headers, content=b"")
    assert error(response) == (422, "idempotency_key_invalid", "Idempotency-Key")


def test_attempts_of_an_applicant_are_limited() -> None:
    """Beyond the limit 429 with Retry-After, for this applicant only."""
    harness = Harness(limits=Limits(attempts=1))
    harness.verify(metadata={"applicant_ref": "a"})
    refused = harness.verify(metadata={"applicant_ref": "a"})
    assert error(refused) == (429, "too_many_attempts", None)
    assert int(refused.headers["retry-after"]) > 0
    assert harness.verify(metadata={"applicant_ref": "b"}).status_code == 201


def test_a_check_that_breaks_leads_to_review() -> None:
    """An exception in a check is a technical reason and no 5xx."""

    def broken(_: Evidence) -> None:
        raise ZeroDivisionError

    body = Harness(pause=broken).verify().json()
    assert body["decision"] == "review"
    assert {reason["code"] for reason in body["reasons"]} == {"check_error"}


def test_replies_render_alike() -> None:
    """Two services with the same clock and identifiers answer with the same bytes."""
    one, other = Harness().verify().content, Harness().verify().content
    assert b'"latency_ms":0.0' in one
    assert one == other
