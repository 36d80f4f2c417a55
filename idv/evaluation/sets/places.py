"""Where a set lies that a person calls by its name or its folder."""

from collections.abc import Sequence
from pathlib import Path

from idv.domain.errors import EvalSetError, SetFault
from idv.evaluation.sets.manifest import MANIFEST

IMPORTED = Path("var/eval_sets")
"""Sets imported from data that may not be passed on; below the working directory, ignored by git."""


def find_set(name: str, *, committed: Path, imported: Path = IMPORTED) -> Path:
    """The folder of a set, given as a folder or as a name. Raises EvalSetError `set_missing`."""
    for folder in (Path(name), committed / name, imported / name):
        if (folder / MANIFEST).is_file():
            return folder
    known = ", ".join(known_sets(committed, imported)) or "none"
    raise EvalSetError([SetFault("set_missing", f"no eval set {name!r}; known: {known}")])


def known_sets(*roots: Path) -> Sequence[str]:
    """The names of all sets below some folders."""
    return sorted({path.parent.name for root in roots for path in root.glob(f"*/{MANIFEST}")})
