"""The circumstances of a run: which code, which packages; and the record of scores that nobody measured."""

import datetime as dt
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from idv.domain.eval_sets import Comparisons
from idv.domain.results import CheckName
from idv.domain.score_tables import RunRecord

PACKAGES = (
    "idv",
    "duckdb",
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-python-headless",
    "pillow-heif",
    "pypdfium2",
    "rapidfuzz",
    "ray",
    "zxing-cpp",
)
"""What a score can depend on; those that are not installed are left out of the record."""
UNKNOWN_COMMIT = "unknown"


@dataclass(frozen=True)
class Code:
    """The code of a run. `dirty`: tracked files differ from `commit`, so the commit alone does not tell."""

    commit: str
    dirty: bool
    packages: Mapping[str, str]


def code_here(folder: Path = Path(__file__).parent, names: Sequence[str] = PACKAGES) -> Code:
    """The code that lies around `folder`; outside a repository the commit is unknown and so dirty."""
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    dirty = commit is None or changed is None or bool(changed)
    return Code(commit or UNKNOWN_COMMIT, dirty, _versions(names))


def drawn_record(check: CheckName, comparisons: Comparisons = Comparisons.NONE) -> RunRecord:
    """The record of scores that were drawn, not measured: for simulations, bench scripts and tests.

    It names no code, no model and no set; whoever needs one of them replaces it.
    """
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return RunRecord(
        run_id="drawn",
        set_name="drawn",
        set_version="1",
        set_digest="0" * 64,
        comparisons=comparisons,
        limits=(),
        check=check,
        candidate="drawn",
        provider="drawn",
        check_digest="0" * 64,
        started_at=at,
        finished_at=at,
        commit="0" * 40,
        dirty=False,
        executor="none",
        seed=0,
        packages={},
        models={},
        settings={},
    )


def _versions(names: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None without git or a repository."""
    try:
        said = subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()
