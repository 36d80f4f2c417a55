"""Stand-ins for runs: a face or document is the bytes of its file, a check reads them; nothing is patched."""

import dataclasses
import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idv.domain.documents import DigitState, DocumentReading, DocumentView, MrzFormat, MrzReading
from idv.domain.errors import EvalSetError, SetFault
from idv.domain.eval_sets import Comparisons, EvalItem, EvalSet, Label, MediaRef, Part
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.faces import Acquired, Face, FaceTemplate, SubjectFace
from idv.domain.images import DecodedImage
from idv.domain.ports import Perception, TemplateCheck
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Signal
from idv.domain.score_tables import Run
from idv.domain.stores import Remembered
from idv.evaluation.runs.candidates import Candidate, CheckCandidate, Described
from idv.evaluation.runs.execution import Executor, Serial
from idv.evaluation.runs.judging import Workbench
from idv.evaluation.runs.record import Code
from idv.evaluation.runs.run import Bench, run_bench
from idv.infra.clock import ManualClock
from idv.workflow.runner import CheckRunner

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CODE = Code("c0ffee", dirty=False, packages={"numpy": "2"})


@dataclass(frozen=True)
class Folder:
    """Media whose digest is the name of a file; what was read is noted in a file, for any process."""

    root: Path

    def bytes_of(self, ref: MediaRef) -> bytes:
        """The file."""
        try:
            data = (self.root / ref.sha256).read_bytes()
        except OSError:
            raise EvalSetError([SetFault("media_missing", "a file is not there")], field="media") from None
        with (self.root / "read.log").open("a") as log:
            log.write(ref.sha256 + "\n")
        return data

    @property
    def read(self) -> list[str]:
        """Names of files in the order they were read."""
        log = self.root / "read.log"
        return log.read_text().split() if log.exists() else []


@dataclass
class BytePerception:
    """The template of a face is the first two bytes of its file; the text of a document is all of them."""

    evidence: Evidence
    stage_ms: Mapping[str, float] = field(default_factory=dict)

    def subject(self, role: ImageRole) -> SubjectFace:
        """Not needed."""
        raise NotImplementedError

    def template(self, role: ImageRole) -> FaceTemplate:
        """Two numbers; none in an empty file."""
        data = self.evidence.images[role].data
        if not data:
            raise ValueError("no face")
        return FaceTemplate((("bytes", np.frombuffer(data[:2], np.uint8).astype(np.float32)),))

    def image(self, role: ImageRole) -> DecodedImage:
        """Not needed."""
        raise NotImplementedError

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        """Not needed."""
        raise NotImplementedError

    def document(self, role: ImageRole) -> DocumentView | None:
        """Not needed."""
        raise NotImplementedError

    def reading(self, role: ImageRole) -> DocumentReading:
        """A zone of the lines of the file."""
        lines = tuple(self.evidence.images[role].data.decode().split())
        return DocumentReading(mrz=MrzReading(MrzFormat.TD3, lines, {}, {"composite": DigitState.VERIFIED}))


class BytePerceiver:
    """Starts a perception."""

    def perceive(self, evidence: Evidence, remembered: Remembered | None = None) -> Perception:
        """Of the bytes."""
        return BytePerception(evidence)


@dataclass(frozen=True)
class ByteCheck:
    """Scores the first byte of the only file: below 100 fails, an empty file is inconclusive."""

    name: CheckName = CheckName.LIVENESS
    digest: str = "d1"
    provider: str = "own"
    slow_s: float = 0.0

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """Judge one file. `!` breaks the check."""
        (image,) = evidence.images.values()
        time.sleep(self.slow_s)
        if image.data == b"!":
            raise RuntimeError("broken")
        if not image.data:
            return self._result(Outcome.INCONCLUSIVE, Reason.NO_FACE)
        outcome = Outcome.PASS if image.data[0] >= ord("d") else Outcome.FAIL
        signals = (Signal("length", float(len(image.data))),)
        return dataclasses.replace(self._result(outcome, score=image.data[0] / 7), signals=signals)

    def _result(self, outcome: Outcome, *reasons: Reason, score: float | None = None) -> CheckResult:
        return CheckResult(
            self.name, outcome, self.provider, self.digest, NOW, score=score, reasons=tuple(reasons)
        )


class ByteDistances:
    """Negative distances. Implements ports.PreparedTemplates."""

    def __init__(self, templates: Sequence[FaceTemplate]) -> None:
        vectors = [dict(t.vectors)["bytes"].astype(np.float64) for t in templates]
        self._points = np.stack(vectors) if vectors else np.empty((0, 2))

    def across(self, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.float64]:
        """Of every row to every column."""
        apart = self._points[rows][:, None] - self._points[columns][None]
        return np.asarray(-np.hypot(apart[..., 0], apart[..., 1]))

    def along(self, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.float64]:
        """Of rows[i] to columns[i]."""
        apart = self._points[rows] - self._points[columns]
        return np.asarray(-np.hypot(apart[:, 0], apart[:, 1]))


@dataclass(frozen=True)
class ByteMatch(ByteCheck):
    """Compares two files by their first two bytes. Implements ports.TemplateCheck."""

    name: CheckName = CheckName.FACE_MATCH

    def acquire(
        self, role: ImageRole, evidence: Evidence, context: Perception, *, deadline: float
    ) -> Acquired:
        """An empty file has no face, one that ends in `?` is blurred."""
        data = evidence.images[role].data
        if data == b"!":
            raise RuntimeError("broken")
        if not data:
            return Acquired(None, (Reason.NO_FACE,))
        reasons = (Reason.FACE_BLURRED,) if data.endswith(b"?") else ()
        return Acquired(context.template(role), reasons, (Signal("last_byte", data[-1] / 7),))

    def prepare(self, templates: Sequence[FaceTemplate]) -> ByteDistances:
        """Points in the plane."""
        return ByteDistances(templates)

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """One comparison."""
        sides = [self.acquire(r, evidence, context, deadline=deadline) for r in evidence.images]
        one, other = (side.template for side in sides)
        if one is None or other is None:
            return self._result(Outcome.INCONCLUSIVE, *(r for side in sides for r in side.reasons))
        score = self.prepare([one, other]).along(np.array([0], np.int32), np.array([1], np.int32))[0]
        return self._result(Outcome.PASS if score == 0 else Outcome.FAIL, score=float(score))


@contextmanager
def bench_of(check: ByteCheck, price: float = 0.0) -> Iterator[Workbench]:
    """A workbench, for this process or any other."""
    yield Workbench(check, CheckRunner([check], ManualClock()), BytePerceiver(), 5.0, price)


def candidate_of(
    check: ByteCheck, *, compares: bool = False, name: str = "own", price: float = 0.0
) -> CheckCandidate:
    """A candidate; the digest is the check's."""
    described = Described(name, check.name, check.provider, check.digest, {"net": "0" * 64}, {"pack": "own"})
    comparer = check if compares and isinstance(check, TemplateCheck) else None
    return CheckCandidate(described, partial(bench_of, check, price), comparer)


def items_of(
    root: Path, files: Mapping[str, bytes], *, role: ImageRole = ImageRole.SELFIE
) -> tuple[EvalItem, ...]:
    """One item a file, which is written; a capital first letter of the name says that it is an attack."""
    for name, data in files.items():
        (root / name).write_bytes(data)
    return tuple(
        EvalItem(
            name,
            {role: MediaRef(name)},
            part=Part.TUNE if "tune" in name else Part.TEST,
            subject=name[0].lower(),
            label=Label.ATTACK if name[0].isupper() else Label.BONA_FIDE,
            species="print" if name[0].isupper() else None,
            slices={"light": "low" if len(name) > 1 else "high"},
        )
        for name in files
    )


def set_of(items: Sequence[EvalItem], check: CheckName = CheckName.LIVENESS, **other: object) -> EvalSet:
    """A set of some items."""
    fixed = {"digest": "e" * 64, "comparisons": Comparisons.NONE, "pairs": None, **other}
    return EvalSet(
        name="little",
        version="1",
        check=check,
        description="d",
        licence="l",
        created_on=dt.date(2026, 1, 1),
        items=tuple(items),
        limits=("It is little.",),
        **fixed,  # type: ignore[arg-type] # the caller names fields of the set
    )


def bench_in(folder: Path, **other: object) -> Bench:
    """A bench whose runs and media lie in one folder."""
    executor: Executor = Serial()
    made: dict[str, object] = {
        "runs": folder / "runs",
        "media": Folder(folder),
        "executor": executor,
        "clock": ManualClock(),
        "code": CODE,
    }
    return Bench(**{**made, **other})  # type: ignore[arg-type] # likewise


def measured(eval_set: EvalSet, candidate: Candidate, folder: Path, **other: object) -> Run:
    """A finished run."""
    return run_bench(eval_set, candidate, bench_in(folder, **other))


def evidence_of(**files: bytes) -> Evidence:
    """Evidence by role."""
    return Evidence({ImageRole(role): EncodedImage(data) for role, data in files.items()})
