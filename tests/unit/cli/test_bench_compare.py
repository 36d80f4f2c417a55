"""`idv bench compare` over runs on disk."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from idv.cli import bench
from idv.domain.errors import RequestError
from idv.domain.results import Outcome
from idv.evaluation.runs.tables import write_run
from tests.unit.evaluation.gate.runs import Columns, run

RULES = '[[rule]]\ncheck = "liveness"\nrate = "bpcer"\nslices = ["country"]\n'


def stored(folder: Path, name: str, refused: int, **record: str) -> None:
    """A run of forty bona fide items, the first of which are refused."""
    outcomes = [Outcome.FAIL] * refused + [Outcome.PASS] * (40 - refused)
    columns = Columns([0.0] * 40, outcomes=outcomes, slices={"country": ["XX", "YY"] * 20})
    write_run(run(columns, run_id=name, **record), folder / name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A base, a candidate as good, one clearly worse, and one on another set; and rules."""
    stored(tmp_path, "base", 1)
    stored(tmp_path, "same", 2)
    stored(tmp_path, "worse", 15)
    stored(tmp_path, "foreign", 1, set_digest="7" * 64)
    (tmp_path / "gate.toml").write_text(RULES, encoding="utf-8")
    return tmp_path


def invoke(folder: Path, candidate: str, *more: str) -> Result:
    """Compare a candidate with the base."""
    named = ["compare", "base", candidate, "--runs", str(folder), "--rules", str(folder / "gate.toml")]
    return CliRunner().invoke(bench.app, [*named, *more])


def test_a_candidate_that_is_not_worse_passes(folder: Path) -> None:
    """Exit code 0, and the verdict in words."""
    result = invoke(folder, "same")
    assert result.exit_code == 0
    assert "gate passed" in result.stdout


def test_a_worse_candidate_fails_with_exit_code_20_and_its_items(folder: Path) -> None:
    """By how much, how sure, and on which items."""
    result = invoke(folder, "worse")
    assert result.exit_code == 20
    assert "gate FAILED" in result.stdout
    assert "14 newly wrong" in result.stdout
    assert "i1, i2" in result.stdout


def test_json_names_every_test(folder: Path) -> None:
    """Two slices and the whole set, with all newly wrong items."""
    result = invoke(folder, "worse", "--json")
    body = json.loads(result.stdout)
    assert result.exit_code == 20
    assert body["passed"] is False
    assert [test["slice"] for test in body["tests"]] == ["all", "country=XX", "country=YY"]
    assert body["tests"][0]["items"] == [f"i{number}" for number in range(1, 15)]
    assert body["tests"][0]["difference"] == pytest.approx(14 / 40)


def test_a_run_on_another_set_is_refused(folder: Path) -> None:
    """The error goes to the mapping of exit codes."""
    result = invoke(folder, "foreign")
    assert isinstance(result.exception, RequestError)
    assert result.exception.code == "set_differs"


def test_an_absent_run_is_refused(folder: Path) -> None:
    """By name."""
    result = invoke(folder, "nowhere")
    assert isinstance(result.exception, RequestError)
    assert result.exception.code == "run_missing"
