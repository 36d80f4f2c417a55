"""Errors of the check document_authenticity by forgery type, on known and unseen designs; its calibration.

python scripts/bench/document_authenticity.py --media DIR                 judge the set's items, print figures
python scripts/bench/document_authenticity.py --media DIR --fit           fit and write the calibration
python scripts/bench/document_authenticity.py --media DIR --write-point   write the operating point

The calibration is fitted on part `tune`, the threshold refuses 5 % of its genuine documents in folds that the
calibration was not fitted to; figures are of part `test`. What perception sees of an item, and what each
part of the check says of it, are kept in `var/` by the digest of what they depend on: a second run judges
nothing again, and new weights of one network cost that network alone. Size, header and sharpness baselines:
scripts/bench/shortcut_baselines.py.
"""

import argparse
import datetime as dt
import hashlib
import json
import math
import pickle
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.bootstrap import judges
from idv.checks.document_authenticity.calibration import (
    AuthenticityCalibration,
    Factor,
    fused,
    load_calibration,
)
from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.checks.document_authenticity.parts import Parts, Templates
from idv.checks.document_authenticity.signals import SignalName
from idv.documents.document_types import SideName
from idv.domain.documents import DocumentReading, DocumentView, TamperingMap
from idv.domain.errors import IdvError
from idv.domain.eval_sets import EvalItem, EvalSet, Part
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.faces import Face, FaceTemplate, SubjectFace
from idv.domain.images import DecodedImage
from idv.domain.operating_points import Interval, OperatingPoint
from idv.domain.ports import Perception
from idv.domain.results import CheckName, CheckResult, Outcome, check_digest
from idv.evaluation.sets.folder import load_set
from idv.evaluation.sets.media import MediaRoot
from idv.infra.clock import ThreadClock
from idv.metrics.error_rates import roc_auc
from idv.metrics.intervals import wilson
from idv.settings import Settings
from idv.training.authenticity_fitting import Sample, balanced_weights, fit_noisy_or
from idv.vision.imaging.geometry import Size, laid_flat
from idv.vision.perception.template_fit import TemplateFit
from idv.vision.synthesis.forgeries.species import DIGITAL

FITTED = tuple(
    name
    for name in SignalName
    if name in (SignalName.RECAPTURE, SignalName.TAMPERING, SignalName.GHOST_PORTRAIT)
    or name.startswith("template_")
)
"""Signals whose factors are fitted; that of `provenance` is set: drawn files have no metadata."""
PROVENANCE = Factor(1.0, 3.0)
DFRR = 0.05
_FOLDS = 5
_NOT_PERCEPTION = (
    "document_recapture",
    "document_tampering",
    "template",
    "ghost",
    "capture_gate",
    "provenance",
    "reading_check",
)
_LEAST = -1e9
_DEADLINE_S = 600.0


Answer = TypeVar("Answer")
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Row(NamedTuple):
    """One judged item. `outcome`: with every score passing, so a fail is a contradiction. Signals by name."""

    key: str
    outcome: str
    scored: bool
    reasons: list[str]
    signals: dict[str, float]


@dataclass(frozen=True)
class Seen:
    """Perception from what was seen before: views and readings by role. Implements ports.Perception."""

    live: Perception
    kept: Mapping[ImageRole, tuple[DocumentView | None, DocumentReading]]

    def image(self, role: ImageRole) -> DecodedImage:
        """Decoded anew."""
        return self.live.image(role)

    def document(self, role: ImageRole) -> DocumentView | None:
        """The view as it was found."""
        return self.kept[role][0]

    def reading(self, role: ImageRole) -> DocumentReading:
        """The reading as it was read."""
        return self.kept[role][1]

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        """Nobody asks."""
        raise NotImplementedError

    def subject(self, role: ImageRole) -> SubjectFace:
        """Nobody asks."""
        raise NotImplementedError

    def template(self, role: ImageRole) -> FaceTemplate:
        """Nobody asks."""
        raise NotImplementedError

    @property
    def stage_ms(self) -> Mapping[str, float]:
        """Not measured."""
        return {}


class Kept(Generic[Answer]):
    """What a part of the check said of an item's sides, kept in files by the part's digest."""

    def __init__(self, folder: Path, part: Callable[..., Answer]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._part = folder, part
        self._answers: list[Answer] = []
        self._path, self._asked, self._known = folder, 0, False

    def begin(self, key: str) -> None:
        """From here on it is asked about that item."""
        self._path, self._asked = self._folder / f"{key}.pickle", 0
        self._known = self._path.exists()
        self._answers = pickle.loads(self._path.read_bytes()) if self._known else []  # noqa: S301 - written by this script on this machine

    def end(self) -> None:
        """Keep what was said."""
        if not self._known:
            self._path.with_suffix(".part").write_bytes(pickle.dumps(self._answers))
            self._path.with_suffix(".part").rename(self._path)

    def __call__(self, *asked: object, **more: object) -> Answer:
        """The next answer, kept or new; a fit, a map or a number."""
        if not self._known:
            self._answers.append(self._part(*asked, **more))
        self._asked += 1
        return self._answers[self._asked - 1]

    predict = fit = __call__


def kept_parts(parts: Parts, looks: Mapping[str, str], work: Path) -> tuple[Parts, list[Kept[Any]]]:
    """The parts with their answers kept, each by what its own answers depend on."""

    def kept(name: str, part: Callable[..., Any]) -> Kept[Any]:
        own = {key: value for key, value in looks.items() if key.startswith(name)}
        seen = {key: value for key, value in looks.items() if not key.startswith(_NOT_PERCEPTION)}
        return Kept(work / "parts" / f"{name}-{check_digest({**own, **seen})[:12]}", part)

    if not (parts.recapture and parts.tampering and parts.templates and parts.ghost and parts.gate):
        raise ValueError("a part of the check is absent")
    network = parts.tampering
    made = {
        "recapture": kept("document_recapture", parts.recapture.predict),
        # The map of heat is large and weighs nothing.
        "tampering": kept(
            "document_tampering",
            lambda *asked: TamperingMap(network.predict(*asked).logit, np.zeros((1, 1), np.float32)),
        ),
        "templates": kept("template", partial(_plain_fit, parts.templates)),
        "ghost": kept("ghost_portrait", parts.ghost),
        "gate": kept("capture_gate", parts.gate),
    }
    return replace(parts, **made), list(made.values())


def _plain_fit(
    templates: Templates, view: DocumentView, reading: DocumentReading, *, side: SideName | None
) -> TemplateFit | None:
    """A fit that can be kept: without its regions, which weigh nothing."""
    fit = templates.fit(view, reading, side=side)
    return None if fit is None else TemplateFit(fit.document_type, fit.side, dict(fit.signals), {})


# --- judging --------------------------------------------------------------------------------------------


class Bench:
    """The wired check over kept perception."""

    def __init__(self, media: MediaRoot, work: Path) -> None:
        self._opened = judges(Settings(decoder_workers=1), reading_clock=ThreadClock())
        made = self._opened.__enter__()
        check = next(c for c in made.runner.checks if c.name is CheckName.DOCUMENT_AUTHENTICITY)
        if not isinstance(check, DocumentAuthenticity):
            raise TypeError("the pack's check is another one")
        self._perceiver, self._clock, self._media = made.perceiver, made.clock, media
        read = {name: part for name, part in check.looks.items() if not name.startswith(_NOT_PERCEPTION)}
        self._kept = work / f"perception-{check_digest(read)[:12]}"
        self._kept.mkdir(parents=True, exist_ok=True)
        self.digest = check.digest
        parts, self._parts = kept_parts(check.parts, check.looks, work)
        self.check = replace(check, parts=parts, point=_everything(check.digest))

    def close(self) -> None:
        """End the decoder."""
        self._opened.__exit__(None, None, None)

    def row(self, item: EvalItem) -> Row:
        """What the check says of an item, were every score to pass."""
        images = {role: EncodedImage(self._media.bytes_of(ref)) for role, ref in item.media.items()}
        evidence = Evidence(images)
        live = self._perceiver.perceive(evidence)
        context = Seen(live, self._perceived(item, live))
        for part in self._parts:
            part.begin(key_of(item))
        result = self.check.judge(evidence, context, deadline=self._clock.monotonic() + _DEADLINE_S)
        for part in self._parts:
            part.end()
        return _row(item, result)

    def _perceived(
        self, item: EvalItem, live: Perception
    ) -> dict[ImageRole, tuple[DocumentView | None, DocumentReading]]:
        path = self._kept / f"{key_of(item)}.pickle"
        if path.exists():
            kept = pickle.loads(path.read_bytes())  # noqa: S301 - written by this script on this machine
        else:
            kept = {role: (live.document(role), live.reading(role)) for role in item.media}
            bare = {role: (_without_pixels(view), reading) for role, (view, reading) in kept.items()}
            path.with_suffix(".part").write_bytes(pickle.dumps(bare))
            path.with_suffix(".part").rename(path)
        return {role: (_with_pixels(view, live, role), reading) for role, (view, reading) in kept.items()}


def _without_pixels(view: DocumentView | None) -> DocumentView | None:
    """The view with the shape of its flat side instead of the side."""
    if view is None:
        return None
    return replace(view, rectified=np.array(view.rectified.shape[:2]))


def _with_pixels(view: DocumentView | None, live: Perception, role: ImageRole) -> DocumentView | None:
    """The view with its side laid flat anew, as the finder does it."""
    if view is None or view.rectified.ndim == 3:
        return view
    height, width = (int(side) for side in view.rectified)
    flat = laid_flat(live.image(role).pixels, view.corners, Size(width, height))
    return replace(view, rectified=flat)


def _everything(digest: str) -> OperatingPoint:
    """A point that every score passes."""
    return OperatingPoint(
        check=CheckName.DOCUMENT_AUTHENTICITY,
        threshold=_LEAST,
        check_digest=digest,
        eval_set="",
        eval_set_digest="",
        target="",
        measured=0.0,
        interval=Interval(0.0, 1.0),
        run_id="",
        created_on=dt.date.min,
    )


def _row(item: EvalItem, result: CheckResult) -> Row:
    return Row(
        key_of(item),
        result.outcome.value,
        result.score is not None,
        [reason.value for reason in result.reasons],
        {signal.name: signal.score for signal in result.signals},
    )


_bench: Bench | None = None


def _start(media: MediaRoot, work: Path) -> None:
    global _bench  # noqa: PLW0603 - one bench a worker process
    cv2.setNumThreads(1)
    _bench = Bench(media, work)


def _judge(item: EvalItem) -> Row:
    if _bench is None:
        raise RuntimeError("the worker was not started")
    try:
        return _bench.row(item)
    except IdvError as error:  # these do not travel between processes
        raise RuntimeError(f"{item.id}: {error.code}: {error.message}") from None


def judged(eval_set: EvalSet, media: MediaRoot, work: Path, *, jobs: int) -> dict[str, Row]:
    """A row an item, from the file of these signals as far as it goes."""
    bench = Bench(media, work)
    bench.close()
    path = work / f"signals-{looks_digest(bench.check)[:12]}.jsonl"
    rows = {row.key: row for row in _rows(path)}
    todo = [item for item in eval_set.items if key_of(item) not in rows]
    print(f"{len(rows)} items are known in {path}, {len(todo)} are to be judged")
    if not todo:
        return rows
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=partial(_start, media, work)
    )
    with pool, path.open("a", encoding="utf-8") as file:
        for done, row in enumerate(pool.map(_judge, todo), 1):
            file.write(json.dumps(row._asdict()) + "\n")
            file.flush()
            rows[row.key] = row
            if done % 50 == 0:
                print(f"  {done} of {len(todo)}", flush=True)
    return rows


def key_of(item: EvalItem) -> str:
    """The item and its files: an item drawn anew is judged anew."""
    files = "".join(sorted(ref.sha256 for ref in item.media.values()))
    return f"{item.id}-{hashlib.sha256(files.encode()).hexdigest()[:12]}"


def looks_digest(check: DocumentAuthenticity) -> str:
    """Digest of all that the signals depend on: the check's parts without its calibration."""
    return check_digest(dict(check.looks))


def _rows(path: Path) -> Iterator[Row]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Row(**json.loads(line))


# --- figures --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Items with what became of them: everything is in the order of `items`."""

    items: Sequence[EvalItem]
    rows: Sequence[Row]

    def where(self, keep: Sequence[bool]) -> "Table":
        """Some of the items."""
        chosen = [i for i, kept in enumerate(keep) if kept]
        return Table([self.items[i] for i in chosen], [self.rows[i] for i in chosen])

    @property
    def genuine(self) -> Mask:
        """(N,) bool."""
        return np.array([bool(item.label and item.label.is_genuine) for item in self.items], bool)

    @property
    def free(self) -> Mask:
        """(N,) bool: neither contradictory nor beyond judging, so the score decides."""
        return np.array([row.scored and row.outcome != Outcome.FAIL for row in self.rows], bool)

    def scores(self) -> Floats:
        """(N, K) of the fitted signals, NaN where absent."""
        return np.array([[row.signals.get(name, math.nan) for name in FITTED] for row in self.rows]).reshape(
            len(self.rows), len(FITTED)
        )

    def fused(self, calibration: AuthenticityCalibration) -> Floats:
        """(N,) log-odds; NaN where nothing was judged."""
        return np.array([_fused(row, calibration) for row in self.rows])

    def outcomes(self, scores: Floats, threshold: float) -> list[str]:
        """What the check answers at a threshold."""
        return [
            row.outcome if not free or score >= threshold else Outcome.FAIL.value
            for row, free, score in zip(self.rows, self.free.tolist(), scores, strict=True)
        ]


def _fused(row: Row, calibration: AuthenticityCalibration) -> float:
    scores = {SignalName(name): value for name, value in row.signals.items()}
    doubts = calibration.doubts(scores)
    return fused(doubts) if doubts else math.nan


def fit(table: Table) -> dict[SignalName, Factor]:
    """Factors from items that the score decides on; each species weighs as all of it does."""
    species = [item.species for item in table.items]
    weights = balanced_weights(table.genuine, species)
    sample = Sample(table.scores(), table.genuine, weights).where(table.free)
    seen: Mask = np.asarray(np.isfinite(sample.scores).any(axis=0))
    factors = fit_noisy_or(Sample(sample.scores[:, seen], sample.genuine, sample.weights))
    names = [name for name, there in zip(FITTED, seen.tolist(), strict=True) if there]
    return {**dict(zip(names, factors, strict=True)), SignalName.PROVENANCE: PROVENANCE}


def out_of_fold(table: Table) -> Floats:
    """(N,) scores of each item by a calibration fitted without its subject."""
    folds = np.array([int(hashlib.sha256((i.subject or i.id).encode()).hexdigest(), 16) for i in table.items])
    scores = np.full(len(table.items), math.nan)
    for fold in range(_FOLDS):
        inside = np.array([int(number) % _FOLDS == fold for number in folds])
        calibration = AuthenticityCalibration(fit(table.where(list(~inside))), "")
        scores[inside] = table.where(list(inside)).fused(calibration)
    return scores


def threshold_for(table: Table, scores: Floats, share: float) -> float:
    """The highest threshold that refuses at most that share of the genuine, contradictions included."""
    already = sum(r.outcome == Outcome.FAIL for r, g in zip(table.rows, table.genuine, strict=True) if g)
    free = np.sort(scores[table.genuine & table.free])
    allowed = max(0, math.floor(share * int(table.genuine.sum())) - already)
    return float(free[min(allowed, len(free) - 1)])


def rate(hits: int, trials: int) -> str:
    """A share with its Wilson interval."""
    if not trials:
        return "      –"
    interval = wilson(hits, trials)
    return f"{hits / trials:6.1%} [{interval.low:.1%}, {interval.high:.1%}] of {trials}"


def show(name: str, table: Table, scores: Floats, threshold: float) -> None:
    """DFAR, DFRR and what had no answer, overall and by forgery type."""
    outcomes = table.outcomes(scores, threshold)
    genuine = table.genuine
    print(f"\n{name}: threshold {threshold:.2f}")
    print(f"  DFRR {rate(_count(outcomes, genuine, Outcome.FAIL), int(genuine.sum()))}")
    print(f"  DFAR {rate(_count(outcomes, ~genuine, Outcome.PASS), int((~genuine).sum()))}")
    digital = np.array([item.species in DIGITAL for item in table.items])
    print(f"  DFAR, digital {rate(_count(outcomes, digital, Outcome.PASS), int(digital.sum()))}")
    passed = [score >= threshold and free for score, free in zip(scores, table.free.tolist(), strict=True)]
    lenient = sum(p and not g for p, g in zip(passed, genuine.tolist(), strict=True))
    print(f"  DFAR, were unread zones no obstacle: {rate(lenient, int((~genuine).sum()))}")
    for label, rows in (("genuine", genuine), ("forged", ~genuine)):
        why = Counter(
            reason
            for row, outcome, here in zip(table.rows, outcomes, rows.tolist(), strict=True)
            if here and outcome == Outcome.INCONCLUSIVE
            for reason in row.reasons
        )
        print(f"  no answer, {label}: {rate(_count(outcomes, rows, Outcome.INCONCLUSIVE), int(rows.sum()))}")
        print(f"    {dict(why.most_common(8))}")
    _show_species(table, outcomes, scores)


def _show_species(table: Table, outcomes: Sequence[str], scores: Floats) -> None:
    usable = np.isfinite(scores)
    good = scores[table.genuine & usable]
    print(f"  {'species':24}{'n':>4} accepted refused unanswered contradict  AUC of the score among the rest")
    for species in sorted({item.species for item in table.items if item.species}):
        rows = np.array([item.species == species for item in table.items])
        counts = [_count(outcomes, rows, o) for o in (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE)]
        contradict = sum(r.outcome == Outcome.FAIL for r, here in zip(table.rows, rows, strict=True) if here)
        rest = scores[rows & table.free]
        auc = f"{roc_auc(good, rest):.3f}" if len(rest) else "–"
        n = int(rows.sum())
        print(f"  {species:24}{n:4}{counts[0]:9}{counts[1]:8}{counts[2]:11}{contradict:11}  {auc}")


def _count(outcomes: Sequence[str], rows: Mask, wanted: Outcome) -> int:
    return sum(outcome == wanted for outcome, here in zip(outcomes, rows.tolist(), strict=True) if here)


def show_signals(table: Table) -> None:
    """AUC of each signal for each species against all genuine documents; below 0.6 is left blank."""
    scores, genuine = table.scores(), table.genuine
    names = [name for k, name in enumerate(FITTED) if np.isfinite(scores[:, k]).any()]
    print("\nAUC of each signal by species (test):")
    print(" " * 26 + " ".join(f"{name.removeprefix('template_')[:9]:>9}" for name in names))
    for species in sorted({item.species for item in table.items if item.species}):
        rows = np.array([item.species == species for item in table.items])
        cells = []
        for name in names:
            column = scores[:, FITTED.index(name)]
            good, bad = (column[who & np.isfinite(column)] for who in (genuine, rows))
            area = roc_auc(good, bad) if len(good) and len(bad) else 0.0
            cells.append(f"{area:9.3f}" if area >= 0.6 else " " * 9)
        print(f"  {species:24}" + " ".join(cells))


def show_blame(table: Table, calibration: AuthenticityCalibration, outcomes: Sequence[str]) -> None:
    """Which signal spoke loudest against refused genuine documents and refused forgeries."""
    blamed: dict[bool, Counter[str]] = defaultdict(Counter)
    for row, outcome, genuine in zip(table.rows, outcomes, table.genuine.tolist(), strict=True):
        if outcome == Outcome.FAIL:
            doubts = calibration.doubts({SignalName(n): v for n, v in row.signals.items()})
            loudest = max(doubts, key=lambda name: doubts[name]) if doubts else None
            blamed[bool(genuine)]["contradiction" if row.outcome == Outcome.FAIL else str(loudest)] += 1
    print(f"\nloudest signal: refused forgeries {dict(blamed[False])}; refused genuine {dict(blamed[True])}")


# --- files ----------------------------------------------------------------------------------------------


def write_calibration(
    path: Path, factors: Mapping[SignalName, Factor], eval_set: EvalSet, table: Table
) -> None:
    """The fitted factors with their pedigree."""
    free = table.free
    lines = [
        "# Written by `scripts/bench/document_authenticity.py --fit`.",
        'check = "document_authenticity"',
        "",
    ]
    for name, factor in factors.items():
        lines += [f"[signals.{name}]", f"slope = {factor.slope!r}", f"offset = {factor.offset!r}", ""]
    lines += [
        "[pedigree]",
        'method = "noisy-OR, penalised maximum likelihood, species weighted alike; provenance set by hand"',
        f'eval_set = "{eval_set.name}"',
        f'eval_set_digest = "{eval_set.digest}"',
        'part = "tune"',
        f"genuine = {int((table.genuine & free).sum())}",
        f"forged = {int((~table.genuine & free).sum())}",
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    print(f"wrote {path}")


def write_point(path: Path, eval_set: EvalSet, threshold: float, *, refused: int, genuine: int) -> None:
    """The threshold with its pedigree; `refused` of `genuine` documents of the test part were refused."""
    with judges(Settings()) as made:
        digest = made.loaded[CheckName.DOCUMENT_AUTHENTICITY]
    interval = wilson(refused, genuine)
    run = hashlib.sha256((digest + eval_set.digest + repr(threshold)).encode()).hexdigest()[:12]
    path.write_text(
        "\n".join(
            (
                "# Written by `scripts/bench/document_authenticity.py --write-point`.",
                'check = "document_authenticity"',
                f"threshold = {threshold!r}",
                f'check_digest = "{digest}"',
                f'eval_set = "{eval_set.name}"',
                f'eval_set_digest = "{eval_set.digest}"',
                f'target = "DFRR at most {DFRR:.0%} on part tune; measured on known designs of part test"',
                f"measured = {refused / genuine!r}",
                f'run_id = "documents-{run}"',
                f"created_on = {dt.datetime.now(dt.UTC).date().isoformat()}",
                'status = "enforced"',
                "",
                "[interval]",
                f"low = {interval.low!r}",
                f"high = {interval.high!r}",
                "confidence = 0.95",
                "",
            )
        ),
        encoding="utf-8",
    )
    print(f"wrote {path}")


def main() -> None:
    """Judge, fit, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", type=Path, default=Path("eval_sets/documents-authenticity"))
    parser.add_argument("--media", required=True, help="where `idv evalset build` put the pictures")
    parser.add_argument("--work", type=Path, default=Path("var/bench/document_authenticity"))
    parser.add_argument("--repository", type=Path, default=Path())
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--first", type=int, help="only so many items, which lie evenly")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--write-point", action="store_true")
    asked = parser.parse_args()
    eval_set = load_set(asked.set)
    items = eval_set.items[: asked.first]
    known = judged(replace(eval_set, items=items), MediaRoot(asked.media), asked.work, jobs=asked.jobs)
    table = Table(items, [known[key_of(item)] for item in items])
    tune = table.where([item.part is Part.TUNE for item in items])
    path = asked.repository / "calibrations" / "open" / "document_authenticity.toml"
    held_out = out_of_fold(tune)
    if asked.fit:
        write_calibration(path, fit(tune), eval_set, tune)
    calibration = load_calibration(path)
    for signal, factor in calibration.factors.items():
        print(f"  {signal:18} slope {factor.slope:8.3f} offset {factor.offset:8.3f}")
    threshold = threshold_for(tune, held_out, DFRR)
    show("tune (out of fold)", tune, held_out, threshold)
    designs = {name: table.where(_of_design(items, name)) for name in ("known", "unseen")}
    for name, part in designs.items():
        show(f"test, {name} designs", part, part.fused(calibration), threshold)
    if len(designs["unseen"].items):
        at_ten = threshold_for(designs["unseen"], designs["unseen"].fused(calibration), 0.10)
        show(
            "test, unseen designs, at DFRR 10 %",
            designs["unseen"],
            designs["unseen"].fused(calibration),
            at_ten,
        )
    test = table.where([item.part is Part.TEST for item in items])
    show_signals(test)
    show_blame(test, calibration, test.outcomes(test.fused(calibration), threshold))
    if asked.write_point:
        part = designs["known"]
        outcomes = part.outcomes(part.fused(calibration), threshold)
        refused = _count(outcomes, part.genuine, Outcome.FAIL)
        point = asked.repository / "operating_points" / "open" / "document_authenticity.toml"
        write_point(point, eval_set, threshold, refused=refused, genuine=int(part.genuine.sum()))


def _of_design(items: Sequence[EvalItem], name: str) -> list[bool]:
    return [item.part is Part.TEST and item.slices.get("design") == name for item in items]


if __name__ == "__main__":
    main()
