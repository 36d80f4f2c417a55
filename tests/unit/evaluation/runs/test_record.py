"""Facts about the circumstances of a run: the commit, whether it tells everything, the packages."""

import shutil
import subprocess
from pathlib import Path

import pytest

from idv.domain.eval_sets import Comparisons
from idv.domain.results import CheckName
from idv.evaluation.runs.record import code_here, drawn_record


def git(folder: Path, *arguments: str) -> str:
    """Run git with an author."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True, text=True)  # noqa: S607 - whichever git there is
    return done.stdout.strip()


def test_outside_a_repository_the_commit_is_unknown(tmp_path: Path) -> None:
    """And then nothing says that the code is what it was: dirty."""
    code = code_here(tmp_path)
    assert (code.commit, code.dirty) == ("unknown", True)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_changed_file_makes_the_code_dirty(tmp_path: Path) -> None:
    """Tracked files count; a file that was never added does not."""
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "x")
    (tmp_path / "scratch").write_text("1")
    clean = code_here(tmp_path)
    assert (clean.commit, clean.dirty) == (git(tmp_path, "rev-parse", "HEAD"), False)
    (tmp_path / "a").write_text("2")
    assert code_here(tmp_path).dirty


def test_packages_that_are_not_installed_are_left_out(tmp_path: Path) -> None:
    """The rest stand with their versions."""
    packages = code_here(tmp_path, ["numpy", "no-such-package"]).packages
    assert list(packages) == ["numpy"]


def test_a_drawn_record_names_nothing_that_was_measured() -> None:
    """No code, no model, no package: only its check and how items are compared are somebody's."""
    record = drawn_record(CheckName.FACE_MATCH, Comparisons.LISTED)
    assert (record.check, record.comparisons) == (CheckName.FACE_MATCH, Comparisons.LISTED)
    assert {record.set_digest, record.check_digest} == {"0" * 64}
    assert (record.models, record.packages, record.settings) == ({}, {}, {})
