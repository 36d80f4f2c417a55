"""Facts about the application as a whole: envelope, headers, documents, health, metrics."""

import re

import pytest

from idv.service.errors import fault_of
from idv.service.openapi import EXAMPLES
from idv.service.wire import DocumentCheckOut, ErrorEnvelope, VerificationOut
from tests.unit.service.harness import GOOD, JPEG, Harness, error


@pytest.fixture(name="harness")
def _harness() -> Harness:
    return Harness()


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/verifications/", "/docs", "/redoc", "/v1/nothing", "//"])
def test_an_unknown_path_is_a_404_in_the_envelope(harness: Harness, path: str) -> None:
    """No redirect, no page of a framework."""
    assert error(harness.call("GET", path)) == (404, "route_not_found", None)


def test_an_unknown_method_is_a_405_that_lists_the_known(harness: Harness) -> None:
    """Allow names every method of the route."""
    response = harness.call("PUT", "/v1/verifications")
    assert error(response) == (405, "method_not_allowed", None)
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_3", True), ("with blank", False), ("x" * 65, False), ("", False), ("a\xe9", False)],
)
def test_a_request_id_is_taken_over_when_it_is_one(harness: Harness, given: str, *, kept: bool) -> None:
    """A valid X-Request-Id comes back; any other is replaced."""
    headers = [(b"x-request-id", given.encode("latin-1"))]
    answered = harness.call("GET", "/healthz", headers=headers).headers["x-request-id"]
    assert (answered == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answered)


def test_nothing_may_be_cached(harness: Harness) -> None:
    """Every answer says no-store and nosniff."""
    for response in (harness.verify(), harness.call("GET", "/none")):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


def test_health_and_readiness(harness: Harness) -> None:
    """Both answer without a key."""
    assert harness.call("GET", "/healthz", secret="").json() == {"status": "alive"}
    assert harness.call("GET", "/readyz", secret="").json() == {"status": "ready"}


def test_not_ready_is_a_503(harness: Harness) -> None:
    """While the application is not ready, /readyz says what is missing, and /healthz still lives."""
    harness.app.state.desk.application = NotReady()
    answer = harness.call("GET", "/readyz", secret="")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not_ready", "faults": ["storage_unavailable", "model_missing"]}
    assert harness.call("GET", "/healthz").status_code == 200


def test_no_room_to_ask_is_not_ready(harness: Harness) -> None:
    """A service that is full answers the probe with what it is full of."""
    light = harness.app.state.desk.light
    places = [light.admit() for _ in range(light.capacity)]
    answer = harness.call("GET", "/readyz", secret="")
    assert (answer.status_code, answer.json()["faults"]) == (503, ["capacity_exhausted"])
    for place in places:
        place.__exit__(None, None, None)


class NotReady:
    """An application whose store does not answer."""

    def unready(self) -> tuple[str, ...]:
        """Always for the same two reasons."""
        return ("storage_unavailable", "model_missing")


def test_metrics_count_by_closed_vocabularies(harness: Harness) -> None:
    """Decisions, checks and requests are counted; an identifier in a path is not a label."""
    case = harness.verify(selfie=b"IMG: face_match=fail").json()["id"]
    harness.call("GET", f"/v1/verifications/{case}")
    harness.call("GET", "/CANARY")
    text = harness.call("GET", "/metrics", secret="").text
    assert 'idv_decisions_total{decision="reject"} 1.0' in text
    assert 'idv_checks_total{check="face_match",outcome="fail",provider="trial"} 1.0' in text
    assert 'route="/v1/verifications/{verification_id}"' in text
    assert 'idv_requests_total{method="GET",route="other",status="404"} 1.0' in text
    assert case not in text
    assert "CANARY" not in text


@pytest.mark.parametrize(
    ("path", "roles", "pictures"),
    [
        ("/v1/verifications", ("document_front", "selfie"), 2),
        ("/v1/faces/compare", ("reference", "probe"), 2),
        ("/v1/liveness/check", ("selfie",), 1),
        ("/v1/documents/read", ("document_front",), 1),
        ("/v1/documents/check", ("document_front", "document_back"), 2),
    ],
)
def test_every_route_that_looks_at_pictures_tells_how_long_each_stage_took(
    harness: Harness, path: str, roles: tuple[str, ...], pictures: int
) -> None:
    """One observation a request and stage: a trial's picture takes 10 ms to decode."""
    harness.call("POST", path, files={role: (f"{role}.jpg", GOOD, JPEG) for role in roles})
    text = harness.call("GET", "/metrics").text
    assert 'idv_perception_seconds_count{stage="decode"} 1.0' in text
    assert f'idv_perception_seconds_sum{{stage="decode"}} {0.01 * pictures}' in text


def test_rejections_are_counted(harness: Harness) -> None:
    """A request turned away for want of room is counted as such."""
    heavy = harness.app.state.desk.heavy
    places = [heavy.admit() for _ in range(heavy.capacity)]
    harness.verify()
    assert 'idv_rejections_total{kind="capacity"} 1.0' in harness.call("GET", "/metrics").text
    for place in places:
        place.__exit__(None, None, None)


def test_the_openapi_document_describes_every_route(harness: Harness) -> None:
    """All public routes with their bodies, errors and security; operations are left out."""
    document = harness.call("GET", "/openapi.json", secret="").json()
    assert set(document["paths"]) == {
        "/v1/verifications",
        "/v1/verifications/{verification_id}",
        "/v1/verifications/{verification_id}/evidence",
        "/v1/verifications/{verification_id}/resolve",
        "/v1/verifications/{verification_id}/erase",
        "/v1/verifications/{verification_id}/labels",
        "/v1/faces/compare",
        "/v1/documents/read",
        "/v1/documents/check",
        "/v1/liveness/check",
    }
    begin = document["paths"]["/v1/verifications"]["post"]
    schema = begin["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert schema["required"] == ["document_front", "selfie"]
    assert {"400", "401", "413", "422", "429"} <= set(begin["responses"])
    assert document["security"] == [{"api_key": []}]


OPERATIONS = {
    "createVerification": ("POST", "/v1/verifications", {400, 401, 403, 408, 409, 413, 415, 422, 429, 503}),
    "listVerifications": ("GET", "/v1/verifications", {401, 403, 422, 429, 503}),
    "getVerification": ("GET", "/v1/verifications/{verification_id}", {401, 403, 404, 429, 503}),
    "addEvidence": (
        "POST",
        "/v1/verifications/{verification_id}/evidence",
        {400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503},
    ),
    "resolveVerification": (
        "POST",
        "/v1/verifications/{verification_id}/resolve",
        {400, 401, 403, 404, 409, 413, 415, 422, 429, 503},
    ),
    "eraseVerification": (
        "POST",
        "/v1/verifications/{verification_id}/erase",
        {401, 403, 404, 429, 503},
    ),
    "addLabel": (
        "POST",
        "/v1/verifications/{verification_id}/labels",
        {400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503},
    ),
    "listLabels": ("GET", "/v1/verifications/{verification_id}/labels", {401, 403, 404, 429, 503}),
    "compareFaces": ("POST", "/v1/faces/compare", {400, 401, 403, 408, 413, 415, 422, 429, 503}),
    "readDocument": ("POST", "/v1/documents/read", {400, 401, 403, 408, 413, 415, 422, 429, 503}),
    "checkDocument": ("POST", "/v1/documents/check", {400, 401, 403, 408, 413, 415, 422, 429, 503}),
    "checkLiveness": ("POST", "/v1/liveness/check", {400, 401, 403, 408, 413, 415, 422, 429, 503}),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_keep_their_names_and_errors(harness: Harness, operation: str) -> None:
    """Generated clients call routes by operationId; each names the errors it can give, with an example."""
    method, path, errors = OPERATIONS[operation]
    told = harness.call("GET", "/openapi.json").json()["paths"][path][method.lower()]
    assert told["operationId"] == operation
    assert errors <= {int(status) for status in told["responses"]}
    for status, answer in told["responses"].items():
        example = answer["content"]["application/json"]["example"]
        if status.startswith("2"):
            assert example
        else:
            ErrorEnvelope.model_validate(example)
        assert ("Retry-After" in answer.get("headers", {})) is (status in {"429", "503"})


def test_every_operation_has_a_name_of_its_own(harness: Harness) -> None:
    """No name is one that FastAPI made up from a path, and none is used twice."""
    paths = harness.call("GET", "/openapi.json").json()["paths"]
    names = [told["operationId"] for methods in paths.values() for told in methods.values()]
    assert len(set(names)) == len(names)
    assert "HTTPValidationError" not in str(paths)
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name) for name in names), names


def test_every_example_of_an_error_has_its_status() -> None:
    """What the document shows under a status is what the service sends with it."""
    assert {status: fault_of(error).status for status, error in EXAMPLES.items()} == {
        status: status for status in EXAMPLES
    }


def test_the_example_of_a_reading_is_an_mrz_that_holds(harness: Harness) -> None:
    """The specimen of ICAO Doc 9303 as the service would show it, every check digit verified."""
    paths = harness.call("GET", "/openapi.json").json()["paths"]
    answer = paths["/v1/documents/read"]["post"]["responses"]["200"]["content"]["application/json"]
    shown = DocumentCheckOut.model_validate(answer["example"]).front.mrz
    assert shown is not None
    assert (shown.format, shown.valid, shown.repairs) == ("TD3", True, 0)
    assert set(shown.digits.values()) == {"verified"}


def test_the_examples_are_valid(harness: Harness) -> None:
    """The example of a verification is one, field for field."""
    document = harness.call("GET", "/openapi.json").json()
    content = document["paths"]["/v1/verifications"]["post"]["responses"]["201"]["content"]
    VerificationOut.model_validate(content["application/json"]["example"])
    assert set(harness.verify().json()) == set(content["application/json"]["example"])


def test_docs_are_there_when_asked_for() -> None:
    """The setting `docs` serves the page."""
    assert Harness(changes={"docs": True}).call("GET", "/docs").status_code == 200
