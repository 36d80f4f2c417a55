"""Facts about scoring lists: rows in order, bad files as rows, resumable, every face embedded once."""

import csv
import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.errors import MediaError, MediaFault, RequestError
from idv.domain.evidence import Evidence, ImageRole
from idv.domain.faces import Face, FaceTemplate, SubjectFace
from idv.domain.images import DecodedImage
from idv.domain.ports import Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.domain.stores import Remembered
from idv.evaluation.items import read_items
from idv.evaluation.scoring import Scoring
from idv.infra.clock import ManualClock
from idv.workflow.runner import CheckRunner


@dataclass
class BytePerception:
    """A face is the first byte of its file; an empty file cannot be decoded."""

    evidence: Evidence
    embedded: Counter[bytes]
    stage_ms: Mapping[str, float] = field(default_factory=dict)

    def subject(self, role: ImageRole) -> SubjectFace:
        """Always one."""
        return SubjectFace(None, 1)

    def template(self, role: ImageRole) -> FaceTemplate:
        """One number."""
        data = self.evidence.images[role].data
        if not data:
            raise MediaError(MediaFault.EMPTY, "no bytes")
        self.embedded[data] += 1
        return FaceTemplate((("byte", np.array([data[0]], np.float32)),))

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
        """Not needed."""
        raise NotImplementedError


@dataclass
class BytePerceiver:
    """Counts how often each file is embedded."""

    embedded: Counter[bytes] = field(default_factory=Counter)

    def perceive(self, evidence: Evidence, remembered: Remembered | None = None) -> BytePerception:
        """A perception."""
        return BytePerception(evidence, self.embedded)


@dataclass
class SameByte:
    """Passes when both faces are the same byte."""

    digest: str = "d1"
    name: CheckName = CheckName.FACE_MATCH
    provider: str = "own"
    clock: ManualClock = field(default_factory=ManualClock)

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """Compare."""
        now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        try:
            a, b = (context.template(role).vectors[0][1][0] for role in evidence.images)
        except MediaError:
            undecodable = (Reason.MEDIA_UNDECODABLE,)
            return CheckResult(self.name, Outcome.INCONCLUSIVE, "own", self.digest, now, reasons=undecodable)
        score = -float(abs(a - b))
        return CheckResult(
            self.name, Outcome.PASS if score == 0 else Outcome.FAIL, "own", self.digest, now, score=score
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three faces, one empty file, and a list of pairs with an extra column."""
    for name, data in {"a": b"a", "b": b"b", "a2": b"a2", "empty": b""}.items():
        (tmp_path / name).write_bytes(data)
    rows = ["note,path_a,path_b", "x,a,a2", '"y ""quoted, twice""",a,b', "z,a,empty", "w,missing,b", "v,b,b"]
    (tmp_path / "items.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def scoring(folder: Path, perceiver: BytePerceiver | None = None, *, digest: str = "d1") -> Scoring:
    """A scoring of the folder's list."""
    check = SameByte(digest=digest)
    items = read_items(folder / "items.csv", CheckName.FACE_MATCH)
    return Scoring(
        check=check,
        runner=CheckRunner([check], check.clock),
        perceiver=perceiver or BytePerceiver(),
        items=items,
        root=folder,
        deadline_s=5.0,
    )


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def ignore(done: int) -> None:
    """No progress bar."""


def test_rows_come_in_order_with_results_and_carried_columns(folder: Path) -> None:
    """Every input row appears once, in order, with outcome, score, reasons and latency."""
    scoring(folder).write(folder / "out.csv", on_row=ignore)
    rows = read(folder / "out.csv")
    assert [row["note"] for row in rows] == ["x", 'y "quoted, twice"', "z", "w", "v"]
    assert [row["outcome"] for row in rows] == ["pass", "fail", "inconclusive", "inconclusive", "pass"]
    assert [row["score"] and float(row["score"]) for row in rows] == [0, -1, "", "", 0]
    assert rows[2]["reasons"] == rows[3]["reasons"] == "media_undecodable"
    assert list(rows[0]) == ["note", "path_a", "path_b", "outcome", "score", "reasons", "latency_ms"]


def test_each_file_is_embedded_once(folder: Path) -> None:
    """A file that several rows name is embedded once, even by several threads."""
    perceiver = BytePerceiver()
    scoring(folder, perceiver).write(folder / "out.csv", on_row=ignore)
    assert set(perceiver.embedded.values()) == {1}


@pytest.mark.parametrize("kept", range(0, 140, 7))
def test_a_killed_run_goes_on_where_it_stopped(folder: Path, kept: int) -> None:
    """Whatever byte the file was torn at, finishing it gives the file of an uninterrupted run."""
    whole = folder / "whole.csv"
    scoring(folder).write(whole, on_row=ignore)
    torn = folder / "torn.csv"
    (folder / "torn.csv.run.json").write_bytes((folder / "whole.csv.run.json").read_bytes())
    torn.write_bytes(whole.read_bytes()[:kept])
    scoring(folder).write(torn, on_row=ignore)
    assert read(torn) == read(whole)


def test_a_finished_run_is_not_repeated(folder: Path) -> None:
    """Scoring into a complete file does no work."""
    scoring(folder).write(folder / "out.csv", on_row=ignore)
    perceiver = BytePerceiver()
    assert scoring(folder, perceiver).write(folder / "out.csv", on_row=ignore) == 0
    assert not perceiver.embedded


def test_scores_of_two_models_are_never_mixed(folder: Path) -> None:
    """A file begun with another model is refused."""
    scoring(folder).write(folder / "out.csv", on_row=ignore)
    with pytest.raises(RequestError) as refused:
        scoring(folder, digest="d2").write(folder / "out.csv", on_row=ignore)
    assert refused.value.code == "scores_belong_elsewhere"


@pytest.mark.parametrize("text", ["nothing\n1\n", "path_a,path_b\na\n", "path_a,path_b\na,b,c\n"])
def test_a_list_with_wrong_columns_is_refused(tmp_path: Path, text: str) -> None:
    """A list that lacks the check's columns, or has a ragged row, is refused before any work."""
    (tmp_path / "items.csv").write_text(text)
    with pytest.raises(RequestError, match=r"columns|cells"):
        read_items(tmp_path / "items.csv", CheckName.FACE_MATCH)
