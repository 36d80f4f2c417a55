"""The circumstances of a run: which code, which packages."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

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
