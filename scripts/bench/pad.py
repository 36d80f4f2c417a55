"""Errors of the committed PAD network, per species (ISO/IEC 30107-3), beside what sharpness alone gives.

python scripts/bench/pad.py                 retrains the folds once (extra `train`) and prints all figures
python scripts/bench/pad.py --write-point   also writes operating_points/open/liveness.toml

NUAA is scored by networks that were trained without the tested subjects; everything simulated is scored by
the committed ONNX file, on photographs of people apart from training, and once more with layouts and printers
that no training saw. Data: IDV_DATA. Tables and fold networks are kept in var/training/pad.
"""

import argparse
import datetime as dt
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort

from idv.bootstrap import judges
from idv.checks.liveness.calibration import LivenessCalibration, load_calibration
from idv.domain.arrays import Array, FloatArray
from idv.domain.results import CheckName
from idv.settings import Settings
from idv.training.pad import prepare, score_all
from idv.training.pad_card import TABLES
from idv.training.pad_data import Table
from idv.training.pad_figures import Cut, ErrorRate, Scores, apcer, bpcer, measured
from idv.training.pad_fitting import Schedules
from idv.vision.imaging.squares import planes

TESTS = ("test", "test_held_out", "test_fine")
POINT = """# Written by `scripts/bench/pad.py --write-point`.
check = "liveness"
threshold = {threshold!r}
reject_below = {reject_below!r}
check_digest = "{check_digest}"
eval_set = "pad-simulated-test"
eval_set_digest = "{eval_set_digest}"
target = "development data: APCER of the worst species at most 7 %; at most 1 % of bona fide rejected"
measured = {measured!r}
run_id = "{run_id}"
created_on = {created_on}
status = "enforced"

[interval]
low = {low!r}
high = {high!r}
confidence = 0.95
"""


def main() -> None:
    """Print the figures; write the operating point when asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("IDV_DATA"))
    parser.add_argument("--work", type=Path, default=Path("var/training/pad"))
    parser.add_argument("--repository", type=Path, default=Path())
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write-point", action="store_true")
    asked = parser.parse_args()
    prepare(asked.data, asked.work, schedules=Schedules(), jobs=asked.jobs)
    model = asked.repository / "model_repository" / "pad" / "1" / "model.onnx"
    scores = score_all(asked.work, committed(model))
    calibration = load_calibration(asked.repository / "calibrations" / "open" / "liveness.toml")
    llr = ratio(calibration)
    show_tables(scores, llr)
    cut = scores.cut(llr)
    show_point(scores, llr, cut)
    if asked.write_point:
        write_point(asked.repository / "operating_points" / "open" / "liveness.toml", scores, llr, cut)


def committed(model: Path) -> Callable[[Table], FloatArray]:
    """Scores a table with the ONNX file, averaged over mirror images and patches as at run time."""
    session = ort.InferenceSession(model)

    def score(table: Table) -> FloatArray:
        rows = [
            _both(session, table.where(np.arange(i, min(i + 64, len(table)))))
            for i in range(0, len(table), 64)
        ]
        return np.concatenate(rows)

    return score


def _both(session: ort.InferenceSession, table: Table) -> FloatArray:
    once, again = (
        session.run(
            None,
            {
                "context": planes(table.context[:, :, ::step]),
                "detail": planes(table.detail[:, :, ::step]),
                "native": planes(table.native[:, patch]),
            },
        )[0]
        for patch, step in enumerate((1, -1))
    )
    return np.asarray((once + again) / 2, np.float32)


def ratio(calibration: LivenessCalibration) -> Callable[[FloatArray], Array]:
    """The committed calibration over rows (N, 3) of logits."""
    return lambda logits: logits @ np.array(calibration.weights) + calibration.offset


def show_tables(scores: Scores, llr: Callable[[FloatArray], Array]) -> None:
    """Figures of each table and species."""
    for name, data in TABLES.items():
        print(f"\n{data}")
        for species, found in measured(scores, name, llr(scores.logits[name])).items():
            print(f"  {species:7}{found}")


def show_point(scores: Scores, llr: Callable[[FloatArray], Array], cut: Cut) -> None:
    """Errors at the operating point that development data choose."""
    print(f"\npass at llr >= {cut.threshold:.3f}, reject below {cut.reject_below:.3f}")
    for name in ("captured", "captured_elsewhere", *TESTS, "photographs"):
        scored, genuine = llr(scores.logits[name]), scores.tables[name].genuine
        refused, rejected = (bpcer(scored[genuine], limit) for limit in cut)
        print(f"  {name}: bona fide not passed {refused}, of them rejected {rejected}")
        for species, rows in scores.slices(name):
            attacks = scored[rows & ~genuine]
            caught = bpcer(attacks, cut.reject_below)
            print(f"    {species:7}APCER {apcer(attacks, cut.threshold)}, rejected {caught}")


def write_point(path: Path, scores: Scores, llr: Callable[[FloatArray], Array], cut: Cut) -> None:
    """Write the point with the worst species' APCER on test tables, which took no part in choosing it."""
    with judges(Settings()) as made:
        check_digest = made.loaded[CheckName.LIVENESS]
    rates = [rate for name in TESTS for rate in _apcers(scores, name, llr, cut)]
    worst = max(rates, key=lambda rate: rate.value)
    digest = hashlib.sha256()
    for name in TESTS:
        table = scores.tables[name]
        for column in (table.context, table.detail, table.native, table.genuine):
            digest.update(np.ascontiguousarray(column).tobytes())
    eval_set_digest = digest.hexdigest()
    text = POINT.format(
        threshold=cut.threshold,
        reject_below=cut.reject_below,
        check_digest=check_digest,
        eval_set_digest=eval_set_digest,
        measured=worst.value,
        run_id=f"pad-{hashlib.sha256((check_digest + eval_set_digest).encode()).hexdigest()[:12]}",
        created_on=dt.datetime.now(dt.UTC).date().isoformat(),
        low=worst.interval.low,
        high=worst.interval.high,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"wrote {path}")


def _apcers(scores: Scores, name: str, llr: Callable[[FloatArray], Array], cut: Cut) -> list[ErrorRate]:
    scored, genuine = llr(scores.logits[name]), scores.tables[name].genuine
    return [apcer(scored[rows & ~genuine], cut.threshold) for _, rows in scores.slices(name)]


if __name__ == "__main__":
    main()
