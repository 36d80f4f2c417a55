"""Sources that say everything by their folders: one folder a person, or one folder a class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from idv.domain.errors import EvalSetError, SetFault
from idv.evaluation.sets.gathering import Described

_IMAGES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".pdf"})


@dataclass(frozen=True)
class LabelledFolder:
    """A folder all of whose files bear one label, and one species where it holds attacks."""

    folder: str
    label: str
    species: str = ""


def person_folders(root: Path) -> tuple[Described, ...]:
    """`<person>/…/<file>`: every file below a person's folder shows that person."""
    return tuple(
        Described(path=path.as_posix(), where=f"file {number}", subject=path.parts[0])
        for number, path in enumerate(_images(root), start=1)
        if len(path.parts) > 1
    )


def class_folders(
    root: Path, classes: Sequence[LabelledFolder], *, subject_level: int | None = None
) -> tuple[Described, ...]:
    """`<class>/…/<file>`; `subject_level`: which folder below the class, from 1, is the subject.

    Raises EvalSetError `source_missing` for a class without a folder.
    """
    missing = [
        f"class {number}" for number, c in enumerate(classes, start=1) if not (root / c.folder).is_dir()
    ]
    if missing:
        raise EvalSetError(
            [SetFault("source_missing", f"no folder for {', '.join(missing)}")], field="source"
        )
    return tuple(_of_class(root, classes, subject_level))


def _of_class(root: Path, classes: Sequence[LabelledFolder], level: int | None) -> Iterator[Described]:
    for number, known in enumerate(classes, start=1):
        for place, path in enumerate(_images(root / known.folder), start=1):
            subject = path.parts[level - 1] if level is not None and len(path.parts) > level else ""
            yield Described(
                path=(PurePosixPath(known.folder) / path).as_posix(),
                where=f"file {place} of class {number}",
                label=known.label,
                species=known.species,
                subject=subject,
            )


def _images(root: Path) -> list[PurePosixPath]:
    """Every image below a folder, relative to it, in the order of the paths."""
    found = (path for path in root.rglob("*") if path.suffix.lower() in _IMAGES and path.is_file())
    return sorted(PurePosixPath(path.relative_to(root).as_posix()) for path in found)
