"""Facts about metrics: labels come from closed vocabularies."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from idv.domain.decisions import Decision
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.infra.telemetry.metrics import Metrics
from tests.unit.workflow.test_verification import Desk, evidence

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@given(st.text(min_size=1, alphabet=st.characters(codec="ascii", categories=["L"])))
def test_no_text_from_outside_becomes_a_label(text: str) -> None:
    """Routes, methods, providers, stages and rejections that are not known are counted as `other`."""
    canary = f"canary{text}"
    metrics = Metrics(providers={"open"})
    metrics.know_routes(["/v1/x"])
    metrics.request(method=canary, route=canary, status=404, seconds=0.1)
    metrics.check(CheckResult(CheckName.LIVENESS, Outcome.PASS, canary, "d", AT, score=1.0, latency_ms=20.0))
    metrics.stage(canary, 0.1)
    metrics.rejected(canary)
    metrics.perceived({canary: 1.0})
    assert canary not in metrics.render().decode()


def test_every_stage_of_perception_is_known_by_name() -> None:
    """Whatever perception can be asked for, no stage of it is counted as `other`."""
    roles = (ImageRole.DOCUMENT_FRONT, ImageRole.SELFIE)
    seen = Desk().cases.perceiver.perceive(evidence(document_front=b"d", selfie=b"p"))
    seen.reading(roles[0])
    for role in roles:
        seen.faces(role)
        seen.template(role)
    metrics = Metrics()
    metrics.perceived(seen.stage_ms)
    text = metrics.render().decode()
    assert text.count("idv_perception_seconds_count{") == len(seen.stage_ms) >= 7
    assert 'stage="other"' not in text


def test_what_is_known_is_counted_under_its_name() -> None:
    """Decisions, places taken and known routes appear as they are."""
    metrics = Metrics()
    metrics.know_routes(["/v1/x"])
    metrics.decision(Decision.STEP_UP)
    metrics.admitted(1)
    metrics.request(method="GET", route="/v1/x", status=200, seconds=0.2)
    text = metrics.render().decode()
    assert 'idv_decisions_total{decision="step_up"} 1.0' in text
    assert "idv_admitted 1.0" in text
    assert 'idv_requests_total{method="GET",route="/v1/x",status="200"} 1.0' in text
    assert 'idv_request_seconds_bucket{le="0.25",route="/v1/x"} 1.0' in text


def test_two_registries_do_not_share_counts() -> None:
    """There is no global state."""
    Metrics().decision(Decision.ACCEPT)
    assert "accept" not in Metrics().render().decode()
