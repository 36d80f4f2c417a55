"""`idv monitor` over stores in memory and a run on disk."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import Result

from idv.cli.monitor import monitor
from idv.cli.opened import Opened
from idv.domain.errors import RequestError
from idv.domain.results import CheckName, CheckResult, Outcome, Signal
from idv.domain.stores import Write
from idv.domain.verifications import Status, Verification
from idv.evaluation.runs.tables import write_run
from tests.unit.evaluation.gate.runs import Columns
from tests.unit.evaluation.gate.runs import run as made_run

Run = Callable[..., Result]
AT = dt.datetime(2021, 3, 1, 12, tzinfo=dt.UTC)
LATER = AT + dt.timedelta(days=1)
app = typer.Typer()
app.command()(monitor)


def begin(doors: Opened, at: dt.datetime, *, shift: float) -> None:
    """Two hundred verifications with a liveness score."""
    for number, score in enumerate(np.random.default_rng(1).normal(shift, 1, 200)):
        made = CheckResult(CheckName.LIVENESS, Outcome.PASS, "open", "d" * 64, at, score=float(score))
        begun = at + dt.timedelta(seconds=number)
        item = Verification(f"{at:%d}-{number}", "acme", Status.DECIDED, begun, begun, results=(made,))
        doors.stores.verifications.write(Write(item, "verification.decided", "key"))


@pytest.fixture
def reference(tmp_path: Path) -> list[str]:
    """A run of five hundred genuine items, as options."""
    scores = np.random.default_rng(2).normal(0, 1, 500).tolist()
    write_run(made_run(Columns(scores)), tmp_path / "ref")
    return ["--reference", "ref", "--runs", str(tmp_path)]


def test_traffic_like_the_reference_is_quiet(run: Run, doors: Opened, reference: list[str]) -> None:
    """Exit code 0, and no alarm."""
    begin(doors, AT, shift=0.0)
    result = run(app, *reference)
    assert result.exit_code == 0
    assert "none" in result.stdout


def test_traffic_that_moved_is_exit_code_21_and_an_alert(
    run: Run, doors: Opened, reference: list[str]
) -> None:
    """Figures as JSON; the webhook gets the same without identifiers, once."""
    begin(doors, AT, shift=-2.0)
    result = run(app, *reference, "--json")
    body = json.loads(result.stdout)
    assert result.exit_code == 21
    assert (body["alarmed"], body["alerted"]) == (True, True)
    assert "score_psi" in body["groups"][0]["alarms"]
    assert run(app, *reference).exit_code == 21
    assert [delivery.event.type for delivery in doors.stores.outbox.list()] == ["monitor.alert"]


def test_selfies_far_from_the_reference_embeddings_are_told(run: Run, doors: Opened) -> None:
    """Yesterday's faces near, today's far: the distance has a line of its own, and so has the signal."""
    for at, similarity in ((AT, 0.6), (LATER, 0.2)):
        for number, drawn in enumerate(np.random.default_rng(1).normal(similarity, 0.05, 200).tolist()):
            noted = (Signal("selfie_cohort_similarity", drawn),)
            made = CheckResult(
                CheckName.FACE_MATCH, Outcome.PASS, "open", "d" * 64, at, score=drawn, signals=noted
            )
            begun = at + dt.timedelta(seconds=number)
            item = Verification(f"{at:%d}-{number}", "acme", Status.DECIDED, begun, begun, results=(made,))
            doors.stores.verifications.write(Write(item, "verification.decided", "key"))
    window = ["--reference-from", "2021-03-01", "--reference-until", "2021-03-02", "--since", "2021-03-02"]
    shown = run(app, *window)
    assert shown.exit_code == 21
    words = " ".join(shown.stdout.split())
    assert (
        "distance to the reference embeddings, face_match/open, selfie_cohort_similarity: 100.0% of" in words
    )
    assert "signal moved face_match/open/all, selfie_cohort_similarity" in words
    (group,) = json.loads(run(app, *window, "--json").stdout)["groups"]
    assert {"embedding_distance", "signal_psi"} <= set(group["alarms"])


def test_no_alert_sends_nothing(run: Run, doors: Opened, reference: list[str]) -> None:
    """The exit code still tells."""
    begin(doors, AT, shift=-2.0)
    assert run(app, *reference, "--no-alert").exit_code == 21
    assert doors.stores.outbox.list() == []


def test_earlier_traffic_can_be_the_reference(run: Run, doors: Opened) -> None:
    """Yesterday against today."""
    begin(doors, AT, shift=0.0)
    begin(doors, LATER, shift=-2.0)
    window = ["--reference-from", "2021-03-01", "--reference-until", "2021-03-02"]
    assert run(app, *window, "--since", "2021-03-02").exit_code == 21
    few = run(app, *window, "--since", "2021-03-02", "--check", "liveness", "--least", "500")
    assert "too few to judge" in " ".join(few.stdout.split())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], "reference_missing"),
        (["--reference-from", "2021-03-01"], "reference_missing"),
        (["--reference-from", "2021-03-02", "--reference-until", "2021-03-01"], "reference_missing"),
        (["--reference", "nowhere"], "run_missing"),
    ],
)
def test_a_reference_is_needed(run: Run, options: list[str], code: str) -> None:
    """Either runs or a window that begins before it ends."""
    result = run(app, *options)
    assert isinstance(result.exception, RequestError)
    assert result.exception.code == code


def test_a_check_without_a_reference_is_named(run: Run, reference: list[str]) -> None:
    """A monitor that watches nothing must not look green."""
    result = run(app, *reference, "--check", "face_match")
    assert isinstance(result.exception, RequestError)
    assert result.exception.code == "reference_missing"
