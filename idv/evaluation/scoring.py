"""Any check over any list: in order, in parallel, resumable, each shared face embedded once."""

import csv
import io
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from idv.domain.documents import DocumentReading, DocumentView, MrzReading
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.faces import Face, FaceTemplate, SubjectFace
from idv.domain.images import DecodedImage
from idv.domain.ports import Check, Perceiver, Perception
from idv.domain.results import CheckName, CheckResult
from idv.evaluation.items import ItemList, Row
from idv.evaluation.runs.execution import in_order, in_threads
from idv.evaluation.runs.journal import Journal
from idv.evaluation.runs.judging import Workbench, zones
from idv.workflow.runner import CheckRunner

T = TypeVar("T")

RESULT_COLUMNS = ("outcome", "score", "reasons", "latency_ms")
_READING_COLUMNS = ("mrz", "mrz_valid")
_ORDINARY = 0o666
"""Permissions of the file of scores, less those that the user's mask takes."""


class _FaceMemory:
    """What was seen of a face, by file: computed once even when two threads ask at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, Path], Future[object]] = {}

    def once(self, what: str, path: Path, compute: Callable[[], T]) -> T:
        """The value, or the error that computing it raised."""
        with self._lock:
            mine = (what, path) not in self._seen
            kept = self._seen.setdefault((what, path), Future())
        if mine:
            try:
                kept.set_result(compute())
            except Exception as error:  # noqa: BLE001 - kept, and raised again for every asker
                kept.set_exception(error)
        return kept.result()  # type: ignore[return-value] # the key pins the type


@dataclass(frozen=True)
class Scoring:
    """One check over one list of items whose images lie under `root`."""

    check: Check
    runner: CheckRunner
    perceiver: Perceiver
    items: ItemList
    root: Path
    deadline_s: float
    threads: int = 2
    _faces: _FaceMemory = field(default_factory=_FaceMemory)

    @property
    def columns(self) -> tuple[str, ...]:
        """Input columns, then the results; a result column that the input has already is replaced."""
        reading = self.check.name is CheckName.DOCUMENT_READING
        own = (*RESULT_COLUMNS, *(_READING_COLUMNS if reading else ()))
        return (*(c for c in self.items.columns if c not in own), *own)

    def write(self, out: Path, *, on_row: Callable[[int], None]) -> int:
        """Score what `out` does not hold yet and append it row by row; returns the number of rows scored.

        `on_row` is told the number of rows done. Raises RequestError `scores_belong_elsewhere` when `out`
        was begun with another list or another model: scores of different models are never mixed.
        """
        with self._journal(out) as journal:
            if not journal.kept:
                journal.append(_line(self.columns))
            done = max(len(_cells_of(journal.kept)) - 1, 0)
            on_row(done)
            for number, row in enumerate(self._scored(self.items.rows[done:]), start=done + 1):
                journal.append(_line([row[column] for column in self.columns]))
                on_row(number)
        return len(self.items.rows) - done

    def _journal(self, out: Path) -> Journal:
        belongs_to = {
            "check": self.check.name.value,
            "check_digest": self.check.digest,
            "items": self.items.digest,
        }
        width = len(self.columns)
        return Journal(out, belongs_to, whole=lambda data: _whole_rows(data, width), mode=_ORDINARY)

    def _scored(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Results in order, computed by threads, a bounded number ahead."""
        return in_order(in_threads(self._score, rows, threads=self.threads))

    def _score(self, row: Row) -> Row:
        paths = {role: self.root / row[column] for column, role in self.items.inputs.items()}
        evidence = Evidence({role: EncodedImage(_bytes_of(path)) for role, path in paths.items()})
        context = _SharedFaces(self.perceiver.perceive(evidence), paths, self._faces)
        bench = Workbench(self.check, self.runner, self.perceiver, self.deadline_s)
        scored = {**row, **_cells(bench.judged(evidence, context))}
        if self.check.name is CheckName.DOCUMENT_READING:
            scored |= _reading_cells(next(zones(context, paths), None))
        return scored


@dataclass(frozen=True)
class _SharedFaces:
    """A perception whose subjects and templates are shared between the rows that name the same file."""

    own: Perception
    paths: Mapping[ImageRole, Path]
    memory: _FaceMemory

    def subject(self, role: ImageRole) -> SubjectFace:
        """From memory."""
        return self.memory.once(
            f"subject of {role.is_document}", self.paths[role], lambda: self.own.subject(role)
        )

    def template(self, role: ImageRole) -> FaceTemplate:
        """From memory."""
        return self.memory.once(
            f"template of {role.is_document}", self.paths[role], lambda: self.own.template(role)
        )

    def image(self, role: ImageRole) -> DecodedImage:
        """The row's own."""
        return self.own.image(role)

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        """The row's own."""
        return self.own.faces(role)

    def document(self, role: ImageRole) -> DocumentView | None:
        """The row's own."""
        return self.own.document(role)

    def reading(self, role: ImageRole) -> DocumentReading:
        """The row's own."""
        return self.own.reading(role)

    @property
    def stage_ms(self) -> Mapping[str, float]:
        """The row's own."""
        return self.own.stage_ms


def _bytes_of(path: Path) -> bytes:
    """The file; nothing at all when it cannot be read, which the decoder names."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _cells(result: CheckResult) -> dict[str, str]:
    return {
        "outcome": result.outcome,
        "score": "" if result.score is None else f"{result.score:.9g}",
        "reasons": ";".join(result.reasons),
        "latency_ms": f"{result.latency_ms:.2f}",
    }


def _reading_cells(mrz: MrzReading | None) -> dict[str, str]:
    """The MRZ, its rows separated by line breaks, and whether its check digits hold."""
    if mrz is None:
        return {"mrz": "", "mrz_valid": ""}
    return {"mrz": "\n".join(mrz.lines), "mrz_valid": str(mrz.valid).lower()}


def _line(cells: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()


def _whole_rows(data: bytes, width: int) -> bytes:
    """The rows that were written to their end: a break inside quotes ends no row."""
    rows = _cells_of(data)
    torn = bool(rows) and (not data.endswith(b"\n") or len(rows[-1]) != width)
    return b"".join(_line(row) for row in (rows[:-1] if torn else rows))


def _cells_of(data: bytes) -> list[list[str]]:
    # A kill can tear a character apart as well as a row.
    return list(csv.reader(io.StringIO(data.decode("utf-8", errors="ignore"), newline="")))
