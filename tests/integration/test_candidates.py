"""Facts about runs of the wired checks on real models; skipped loudly without models or data."""

import datetime as dt
import hashlib
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from idv import bootstrap, settings
from idv.domain.errors import ModelError
from idv.domain.eval_sets import Comparisons, EvalItem, EvalSet, Label, MediaRef
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.reasons import Reason
from idv.domain.results import CheckName
from idv.domain.score_tables import Run
from idv.evaluation.runs.candidates import CheckCandidate
from idv.evaluation.runs.execution import Executor, Processes, Threads
from idv.evaluation.runs.record import code_here
from idv.evaluation.runs.run import Bench, run_bench
from idv.evaluation.sets.media import MediaRoot
from idv.infra.clock import SystemClock


@pytest.fixture(scope="module")
def pictures() -> Sequence[Path]:
    """A few photographs of faces."""
    folder = Path(os.environ.get("IDV_DATA", "absent")) / "lfw"
    if not folder.is_dir():
        pytest.skip("IDV_DATA does not name the folder with the real data")
    return sorted(folder.rglob("*.jpg"))[:6]


def candidate(check: CheckName, name: str = "open") -> CheckCandidate:
    """The check of a pack or of an overlay."""
    try:
        return bootstrap.candidate(settings.load(), check, name=name)
    except ModelError as error:
        pytest.skip(f"models are absent: {error}")


def set_of(pictures: Sequence[Path], check: CheckName, role: ImageRole, comparisons: Comparisons) -> EvalSet:
    """One item a picture."""
    items = tuple(
        EvalItem(
            f"i{number}",
            {role: MediaRef(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)},
            subject=f"s{number}",
            label=None if check is CheckName.FACE_MATCH else Label.BONA_FIDE,
        )
        for number, path in enumerate(pictures)
    )
    return EvalSet(
        name="pictures",
        version="1",
        check=check,
        digest="0" * 64,
        description="d",
        licence="l",
        created_on=dt.date(2026, 1, 1),
        items=items,
        comparisons=comparisons,
    )


def run(
    eval_set: EvalSet, measured: CheckCandidate, folder: Path, pictures: Sequence[Path], who: Executor
) -> Run:
    """A run whose media lie beside each other."""
    media = folder / "media"
    media.mkdir(exist_ok=True)
    for path in pictures:
        (media / path.name).write_bytes(path.read_bytes())
    bench = Bench(folder / "runs", MediaRoot(str(media)), who, SystemClock(), code_here())
    return run_bench(eval_set, measured, bench)


def test_scores_of_a_run_are_those_of_single_judgements(tmp_path: Path, pictures: Sequence[Path]) -> None:
    """A comparison in a table is what the check says of the two pictures alone."""
    eval_set = set_of(pictures, CheckName.FACE_MATCH, ImageRole.REFERENCE, Comparisons.ALL_PAIRS)
    measured = candidate(CheckName.FACE_MATCH)
    pairs = run(eval_set, measured, tmp_path, pictures, Threads(2)).table.pairs
    assert pairs is not None
    assert pairs.score.size == 15
    with measured.open_workbench() as bench:
        for a, b, score in list(zip(pairs.a, pairs.b, pairs.score, strict=True))[:4]:
            sides = zip((ImageRole.REFERENCE, ImageRole.PROBE), (a, b), strict=True)
            evidence = Evidence({role: EncodedImage(pictures[i].read_bytes()) for role, i in sides})
            result = bench.judged(evidence, bench.perceiver.perceive(evidence))
            assert result.score == pytest.approx(score, abs=1e-9)


def test_processes_and_overlaid_models_judge_as_themselves(tmp_path: Path, pictures: Sequence[Path]) -> None:
    """Another file has another digest and no operating point; both are scored, in processes of their own."""
    files = bootstrap.model_store(settings.load()).repository
    overlay = tmp_path / "weak"
    (overlay / "pad" / "1").mkdir(parents=True)
    # A byte behind the end of an ONNX file is an empty field: another file, the same network.
    (overlay / "pad" / "1" / "model.onnx").write_bytes(
        (files / "pad/1/model.onnx").read_bytes() + b"\x72\x00"
    )
    eval_set = set_of(pictures[:3], CheckName.LIVENESS, ImageRole.SELFIE, Comparisons.NONE)
    runs = [
        run(eval_set, measured, tmp_path, pictures, Processes(1))
        for measured in map(partial(candidate, CheckName.LIVENESS), ("open", str(overlay)))
    ]
    own, other = (one.record for one in runs)
    assert own.check_digest != other.check_digest
    assert {name for name in own.models if own.models[name] != other.models[name]} == {"pad"}
    scores = [one.table.items.score.tolist() for one in runs]
    assert scores[0] == scores[1]
    assert set(runs[1].table.items.reasons) <= {Reason.OPERATING_POINT_MISMATCH.value, *_capture_reasons()}


def _capture_reasons() -> set[str]:
    return {reason.value for reason in Reason if reason.kind.value == "quality"}
