"""The routes of labels from life."""

from typing import Any

import pytest

from idv.domain.stores import Scope
from tests.unit.service.harness import Harness, error

LABEL = {
    "truth": "fraud_confirmed",
    "source": "chargeback",
    "labelled_by": "b.meier",
    "known_at": "2025-12-24T18:00:00+01:00",
}


@pytest.fixture
def harness() -> Harness:
    """An application."""
    return Harness()


@pytest.fixture
def case(harness: Harness) -> str:
    """A decided verification."""
    return str(harness.verify().json()["id"])


def tell(harness: Harness, case: str, *, secret: str | None = None, key: str = "", **changes: Any) -> Any:
    """POST a label."""
    headers = {"Idempotency-Key": key} if key else {}
    return harness.call(
        "POST", f"/v1/verifications/{case}/labels", secret=secret, json=LABEL | changes, headers=headers
    )


def test_a_label_is_told_and_read_back(harness: Harness, case: str) -> None:
    """With what is in force, and the time it was known in UTC."""
    told = tell(harness, case)
    assert told.status_code == 201
    read = harness.call("GET", f"/v1/verifications/{case}/labels")
    assert read.json() == told.json()
    assert read.json()["truth"] == "fraud_confirmed"
    (label,) = read.json()["labels"]
    assert (label["known_at"], label["labelled_by"]) == ("2025-12-24T17:00:00Z", "b.meier")


def test_a_label_changes_no_decision(harness: Harness, case: str) -> None:
    """The verification reads as before, byte for byte."""
    before = harness.call("GET", f"/v1/verifications/{case}").content
    tell(harness, case)
    assert harness.call("GET", f"/v1/verifications/{case}").content == before


def test_telling_again_revises(harness: Harness, case: str) -> None:
    """Both labels are kept; the last one is in force; a withdrawn one leaves none."""
    tell(harness, case)
    revised = tell(harness, case, truth="genuine_confirmed").json()
    assert (revised["truth"], len(revised["labels"])) == ("genuine_confirmed", 2)
    assert tell(harness, case, truth="withdrawn").json()["truth"] is None


def test_the_same_request_again_is_told_once(harness: Harness, case: str) -> None:
    """With an Idempotency-Key the reply is the same bytes, and there is one label."""
    first, second = (tell(harness, case, key="k1") for _ in range(2))
    assert first.content == second.content
    assert len(harness.call("GET", f"/v1/verifications/{case}/labels").json()["labels"]) == 1
    assert error(tell(harness, case, key="k1", source="authority"))[1] == "idempotency_key_reused"


@pytest.mark.parametrize(
    "changes",
    [
        {"truth": "fraud"},
        {"source": "gossip"},
        {"labelled_by": ""},
        {"labelled_by": "x" * 201},
        {"known_at": "2025-12-24T18:00:00"},
        {"known_at": "soon"},
        {"known_at": "2999-01-01T00:00:00Z"},
        {"colour": "red"},
    ],
)
def test_a_label_that_says_nothing_sensible_is_refused(
    harness: Harness, case: str, changes: dict[str, str]
) -> None:
    """422, and nothing is stored; a time needs its zone."""
    assert tell(harness, case, **changes).status_code == 422
    assert harness.call("GET", f"/v1/verifications/{case}/labels").json()["labels"] == []


def test_labels_are_their_tenants_own(harness: Harness, case: str) -> None:
    """Another tenant's key gets the 404 of an unknown verification, reading and writing."""
    other = harness.key("other")
    for case_id in (case, "ver_unknown"):
        assert error(tell(harness, case_id, secret=other))[:2] == (404, "verification_not_found")
        read = harness.call("GET", f"/v1/verifications/{case_id}/labels", secret=other)
        assert error(read)[:2] == (404, "verification_not_found")


def test_labels_need_the_scope_of_reviewers(harness: Harness, case: str) -> None:
    """A key that may only verify and read is refused both."""
    weak = harness.key("acme", Scope.VERIFY, Scope.READ)
    assert error(tell(harness, case, secret=weak))[:2] == (403, "scope_missing")
    read = harness.call("GET", f"/v1/verifications/{case}/labels", secret=weak)
    assert error(read)[:2] == (403, "scope_missing")


def test_erasing_removes_labels(harness: Harness, case: str) -> None:
    """Afterwards the verification and its labels are not found."""
    tell(harness, case)
    harness.call("POST", f"/v1/verifications/{case}/erase")
    assert error(harness.call("GET", f"/v1/verifications/{case}/labels"))[0] == 404
    assert error(tell(harness, case))[0] == 404
