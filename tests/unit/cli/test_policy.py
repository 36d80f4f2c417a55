"""`idv policy` over a registry in a folder and live traffic in memory."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from idv.cli.policy import Policies, app
from idv.domain.errors import RequestError
from idv.domain.labels import Truth
from idv.domain.live import LiveCase, Window
from idv.domain.results import CheckName, Outcome
from idv.infra.clock import ManualClock
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.memory import memory_stores
from idv.workflow.operating_points import load_points, load_shadows
from idv.workflow.promotion import PointRegistry
from tests.unit.evaluation.monitoring.live import case, result
from tests.unit.workflow.test_promotion import POINT


class Traffic:
    """Two live verifications, one labelled."""

    def cases(self, window: Window, *, kinds: frozenset[str] = frozenset()) -> Iterator[LiveCase]:
        """Them, unless another tenant's are wanted."""
        if window.tenant in (None, "acme"):
            yield case(0, result(outcome=Outcome.PASS, shadow=Outcome.FAIL), truth=Truth.FRAUD_CONFIRMED)
            yield case(1, result(outcome=Outcome.PASS, shadow=Outcome.PASS))


@pytest.fixture
def doors(tmp_path: Path) -> Policies:
    """A registry without any point yet."""
    clock = ManualClock()
    audit = memory_stores(keyring=KeyRing.generate(), clock=clock).audit
    return Policies(PointRegistry(tmp_path / "points", audit, clock, {CheckName.LIVENESS: "abc"}), Traffic())


@pytest.fixture
def point(tmp_path: Path) -> str:
    """A shadow point whose run the traffic was scored with."""
    path = tmp_path / "new.toml"
    path.write_text(POINT.replace("r2", "run-shadow"), encoding="utf-8")
    return str(path)


def run(doors: Policies, *arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(app, list(arguments), obj=doors)


def test_a_point_goes_from_shadow_to_force(doors: Policies, point: str) -> None:
    """Registered, then promoted by a named person; the command says how often it was scored before."""
    assert run(doors, "shadow", point, "--by", "c.ortiz").exit_code == 0
    assert list(load_shadows(doors.registry.folder)) == [CheckName.LIVENESS]
    promoted = run(doors, "promote", point, "--approver", "A. Müller", "--reason", "better")
    assert promoted.exit_code == 0
    assert "scored as a shadow on 2 verifications" in promoted.stdout
    assert "warning" not in promoted.stderr
    assert load_points(doors.registry.folder)[CheckName.LIVENESS].threshold == 1.5


def test_promoting_a_point_that_was_never_scored_live_warns(doors: Policies, tmp_path: Path) -> None:
    """It is put in force all the same: who approves it decides, knowing that."""
    path = tmp_path / "unseen.toml"
    path.write_text(POINT.replace("r2", "run-unseen"), encoding="utf-8")
    promoted = run(doors, "promote", str(path), "--approver", "A. Müller", "--reason", "better")
    assert promoted.exit_code == 0
    assert "scored as a shadow on 0 verifications" in promoted.stdout
    assert "never scored on live traffic" in promoted.stderr
    assert load_points(doors.registry.folder)[CheckName.LIVENESS].run_id == "run-unseen"


def test_a_promotion_needs_its_approver(doors: Policies, point: str) -> None:
    """Without the option it is wrong usage; with an empty name it is refused."""
    assert run(doors, "promote", point, "--reason", "better").exit_code == 2
    result = run(doors, "promote", point, "--approver", " ", "--reason", "better")
    assert isinstance(result.exception, RequestError)
    assert result.exception.code == "approver_missing"


def test_the_shadow_report_counts_and_names_the_labelled(doors: Policies) -> None:
    """One of two agrees; of the one fraud, the point in force passed it and the shadow did not."""
    shown = run(doors, "shadow-report").stdout
    assert "agree 1 of 2" in shown
    assert "fraud_confirmed, passed: in force 1 of 1" in shown
    (body,) = json.loads(run(doors, "shadow-report", "--json").stdout)
    assert body["matrix"]["pass"] == {"pass": 1, "fail": 1, "inconclusive": 0, "not_run": 0}
    assert body["labelled"][0]["wrong_shadow"]["count"] == 0


@pytest.mark.parametrize("filters", [["--check", "face_match"], ["--tenant", "other"]])
def test_the_report_can_be_narrowed(doors: Policies, filters: list[str]) -> None:
    """To a check or a tenant that has none: said so."""
    assert "no shadow point was scored yet" in run(doors, "shadow-report", *filters).stdout
