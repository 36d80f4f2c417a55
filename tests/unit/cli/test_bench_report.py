"""Facts about `idv bench report` and `idv tune`: what is printed, what is written, what is refused."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from idv.cli.bench_report import report_runs
from idv.cli.run_folders import opened_run
from idv.cli.tune import tune_run
from idv.domain.errors import RequestError
from idv.domain.score_tables import Run
from idv.evaluation.runs.tables import write_run
from idv.workflow.operating_points import read_point
from tests.unit.evaluation.reports.made_runs import face_run, liveness_run

FAST = ["--resamples", "30"]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three runs on two sets."""
    made: dict[str, Run] = {
        "face": face_run(),
        "vendor": face_run(1, shift=5.0, candidate="vendor", run_id="run-2"),
        "live": liveness_run(count=480),
    }
    for name, run in made.items():
        write_run(run, tmp_path / name)
    return tmp_path


def _invoke(command: str, runs: Path, *arguments: str) -> str:
    app = typer.Typer()
    app.command("report")(report_runs)
    app.command("tune")(tune_run)
    result = CliRunner().invoke(app, [command, *arguments, "--runs", str(runs), *FAST])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_report_is_a_table_by_default(runs: Path) -> None:
    """Rates, promise and limits of one run."""
    text = _invoke("report", runs, "live")
    assert "APCER maximum (screen)" in text
    assert "with 95 % confidence" in " ".join(text.split())


def test_candidates_stand_side_by_side(runs: Path) -> None:
    """With the rate each was asked to keep."""
    text = _invoke("report", runs, "face", "vendor", "--target", "fmr=1e-2")
    assert "vendor" in text
    assert "FMR at or below 1 %" in " ".join(text.split())


def test_all_forms_are_written_in_one_go(runs: Path, tmp_path: Path) -> None:
    """HTML, Markdown and JSON of the same runs."""
    html, markdown = tmp_path / "r.html", tmp_path / "r.md"
    text = _invoke("report", runs, "face", "--html", str(html), "--markdown", str(markdown), "--json")
    assert json.loads(text)["runs"][0]["record"]["run_id"] == "run-1"
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "No pictures: no eval set" in html.read_text(encoding="utf-8").replace("&#39;", "'")
    assert markdown.read_text(encoding="utf-8").startswith("# face_match")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nowhere"], "run_missing"),
        (["face", "live"], "runs_not_comparable"),
        (["face", "vendor", "--threshold", "2"], "threshold_shared"),
        (["face", "--threshold", "2", "--target", "fmr=0.1"], "threshold_and_target"),
        (["face", "--target", "apcer=0.1"], "target_unknown"),
        (["face", "--part", "sealed"], "part_empty"),
    ],
)
def test_what_cannot_be_reported_is_named(runs: Path, arguments: list[str], code: str) -> None:
    """Before anything is written."""
    with pytest.raises(RequestError) as caught:
        _invoke("report", runs, *arguments)
    assert caught.value.code == code


def test_a_missing_run_names_those_there_are(runs: Path) -> None:
    """So that a typing error is mended at once."""
    with pytest.raises(RequestError, match="face, live, vendor"):
        opened_run(Path("fase"), runs)


def test_tuning_writes_a_point_and_a_page(runs: Path, tmp_path: Path) -> None:
    """The point is a shadow one, the page self-contained, the table says both parts."""
    point, page = tmp_path / "points" / "liveness.toml", tmp_path / "t.html"
    arguments = ["live", "--check", "liveness", "--target", "apcer=0.1", "--max", "bpcer=0.9"]
    text = _invoke("tune", runs, *arguments, "--out", str(point), "--report", str(page))
    assert read_point(point).status == "shadow"
    assert "idv policy promote" in " ".join(text.split())
    assert "Operating point for liveness" in page.read_text(encoding="utf-8")


def test_tuning_speaks_json(runs: Path) -> None:
    """The point and what it was measured to do, with null where a number is undefined."""
    body = json.loads(
        _invoke("tune", runs, "face", "--target", "fmr=1e-2", "--json"), parse_constant=pytest.fail
    )
    assert body["point"]["status"] == "shadow"
    assert body["chosen_on"] == "test"
    assert len(body["expected"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["live", "--check", "face_match", "--target", "fmr=0.1"], "run_of_another_check"),
        (["live"], "wish_empty"),
        (["live", "--cost-fa", "3"], "costs_incomplete"),
        (["face", "--target", "fmr=0", "--max", "fnmr=0"], "target_unreachable"),
    ],
)
def test_what_cannot_be_tuned_is_named(runs: Path, arguments: list[str], code: str) -> None:
    """With one code for each reason."""
    with pytest.raises(RequestError) as caught:
        _invoke("tune", runs, *arguments)
    assert caught.value.code == code
