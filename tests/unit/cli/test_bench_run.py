"""`idv bench run` with scores made elsewhere, which needs no model."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from idv.cli import bench
from idv.domain.errors import EvalSetError, IdvError, ModelError, RequestError
from idv.domain.eval_sets import EvalItem, Label, MediaRef
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName
from idv.evaluation.runs.tables import read_run
from idv.evaluation.sets.folder import write_set
from idv.evaluation.sets.manifest import Manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of one bona fide selfie and one print, and a vendor's scores of both."""
    items = [
        EvalItem(name, {ImageRole.SELFIE: MediaRef(digest)}, subject=name, label=label, species=species)
        for name, digest, label, species in (
            ("real", hashlib.sha256(b"1").hexdigest(), Label.BONA_FIDE, None),
            ("print", hashlib.sha256(b"2").hexdigest(), Label.ATTACK, "print"),
        )
    ]
    manifest = Manifest(
        name="tiny",
        version="1",
        check=CheckName.LIVENESS,
        description="Two selfies.",
        licence="own",
        created_on=dt.date(2026, 1, 1),
    )
    write_set(tmp_path / "tiny", manifest, items)
    (tmp_path / "vendor.csv").write_text("item,score,outcome\nreal,0.9,pass\nprint,0.2,fail\n")
    return tmp_path


def invoke(folder: Path, *more: str, eval_set: str = "tiny", candidate: str = "vendor.csv") -> Result:
    """Run it."""
    named = ["--set", str(folder / eval_set), "--candidate", str(folder / candidate)]
    return CliRunner().invoke(bench.app, ["run", *named, "--out", str(folder / "runs"), *more])


def test_it_tells_where_the_run_is(folder: Path) -> None:
    """The table for people, and the folder on a line of its own."""
    result = invoke(folder)
    assert result.exit_code == 0
    (run,) = (folder / "runs").iterdir()
    assert result.stdout.rstrip().endswith(run.name)
    assert read_run(run).table.items.score.tolist() == [0.9, 0.2]


def test_json_is_for_machines(folder: Path) -> None:
    """One object a run."""
    (run,) = json.loads(invoke(folder, "--json", "--seed", "3").stdout)
    assert run["outcomes"] == {"pass": 1, "fail": 1, "inconclusive": 0, "not_run": 0}
    assert read_run(Path(run["folder"])).record.seed == 3


@pytest.mark.parametrize(
    ("more", "eval_set", "kind", "code"),
    [
        (("--resume", "x"), "tiny", RequestError, "run_unknown"),
        (("--resume", "x", "--candidate", "other"), "tiny", RequestError, "one_candidate_to_resume"),
        ((), "nothing", EvalSetError, "set_missing"),
        (("--candidate", "no-such-pack"), "tiny", ModelError, "model_pack_unknown"),
    ],
)
def test_what_cannot_be_is_named(
    folder: Path, more: tuple[str, ...], eval_set: str, kind: type[IdvError], code: str
) -> None:
    """A fault of the command line is an error with a code, before any work is done."""
    error = invoke(folder, *more, eval_set=eval_set).exception
    assert isinstance(error, kind)
    assert error.code == code
    assert not list(folder.glob("runs/*"))
