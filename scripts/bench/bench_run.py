"""What `idv bench run` costs beside the checks it runs, and what comparing all pairs of many faces costs.

    python scripts/bench/bench_run.py SET --media ROOT [--items 60] [--repeats 3]    CPU ratio, one thread
    python scripts/bench/bench_run.py --faces 10000                                   stand-in templates

The ratio: CPU time, this process and its children, of a whole serial run (opening, journal, digests, tables,
record) over that of a plain loop which opens the same models, reads the same files and calls the same check.
Both are done in turns, in one session, and the medians compared.
"""

import argparse
import dataclasses
import hashlib
import os
import resource
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from idv import bootstrap, settings
from idv.checks.face_match.calibration import Calibration
from idv.checks.face_match.check import FaceMatch
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.eval_sets import Comparisons, EvalItem, EvalSet, MediaRef
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.faces import Box, Face, FaceQuality, FaceTemplate, Pose, SubjectFace
from idv.domain.images import DecodedImage
from idv.domain.ports import Perception, TemplateCheck
from idv.domain.results import CheckName
from idv.domain.stores import Remembered
from idv.evaluation.runs.candidates import CheckCandidate, Described
from idv.evaluation.runs.execution import Serial
from idv.evaluation.runs.judging import Workbench
from idv.evaluation.runs.record import code_here
from idv.evaluation.runs.run import Bench, run_bench
from idv.evaluation.sets.folder import load_set
from idv.evaluation.sets.media import MediaRoot
from idv.evaluation.sets.places import find_set
from idv.infra.clock import SystemClock
from idv.workflow.runner import CheckRunner

DIMENSIONS = (("dlib_resnet", 128), ("faceres", 1024))


def main() -> None:
    """One of the two measurements."""
    arguments = _arguments()
    if arguments.faces:
        _all_pairs(arguments.faces)
    else:
        _ratio(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", nargs="?", default="documents-generated")
    parser.add_argument("--media", default=None)
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--faces", type=int, default=0, metavar="COUNT")
    return parser.parse_args()


def _ratio(arguments: argparse.Namespace) -> None:
    checked = settings.load(deadline_s=240.0)
    whole = load_set(find_set(arguments.set, committed=checked.eval_sets))
    step = max(1, len(whole.items) // arguments.items)
    eval_set = dataclasses.replace(whole, items=whole.items[::step][: arguments.items], pairs=None)
    media = MediaRoot(arguments.media or checked.media_root)
    with tempfile.TemporaryDirectory() as folder:
        runs = iter(range(arguments.repeats))
        ways: dict[str, Callable[[], object]] = {
            "plain loop": lambda: _plain_loop(checked, eval_set, media),
            "idv bench run": lambda: _bench_run(checked, eval_set, media, Path(folder) / str(next(runs))),
        }
        spent = {name: [] for name in ways}  # type: dict[str, list[float]]
        for _ in range(arguments.repeats):
            for name, way in ways.items():
                spent[name].append(_cpu_of(way))
    print(f"{eval_set.name}, {eval_set.check}: {len(eval_set.items)} items, {arguments.repeats} repeats")
    middle = {name: statistics.median(values) for name, values in spent.items()}
    for name, values in spent.items():
        print(f"  {name:14s} {middle[name]:8.2f} s of CPU (median; {min(values):.2f} to {max(values):.2f})")
    print(f"  ratio {middle['idv bench run'] / middle['plain loop']:.3f}")


def _cpu_of(work: Callable[[], object]) -> float:
    """CPU seconds of this process and of the children that ended meanwhile."""
    before = os.times()
    work()
    after = os.times()
    return sum(after[:4]) - sum(before[:4])


def _plain_loop(checked: settings.Settings, eval_set: EvalSet, media: MediaRoot) -> None:
    """The same check on the same files, and nothing else; for faces, template by template, then all pairs."""
    with bootstrap.workbench(checked, eval_set.check) as bench:
        check = bench.check
        templates = []
        for item in eval_set.items:
            images = {role: EncodedImage(_read(Path(media.url), ref)) for role, ref in item.media.items()}
            evidence = Evidence(images)
            context = bench.perceiver.perceive(evidence)
            deadline = time.monotonic() + checked.deadline_s
            if eval_set.comparisons is Comparisons.NONE:
                check.judge(evidence, context, deadline=deadline)
            elif isinstance(check, TemplateCheck):
                (role,) = images
                templates.append(check.acquire(role, evidence, context, deadline=deadline).template)
        made = [template for template in templates if template is not None]
        if made and isinstance(check, TemplateCheck):
            everyone = np.arange(len(made), dtype=np.int32)
            check.prepare(made).across(everyone, everyone)


def _read(root: Path, ref: MediaRef) -> bytes:
    path = root / (ref.path or "-")
    return (path if path.is_file() else root / ref.sha256[:2] / ref.sha256).read_bytes()


def _bench_run(checked: settings.Settings, eval_set: EvalSet, media: MediaRoot, runs: Path) -> None:
    """Everything that the command does once the set is loaded."""
    candidate = bootstrap.candidate(checked, eval_set.check, name=checked.pack)
    run_bench(eval_set, candidate, Bench(runs, media, Serial(), SystemClock(), code_here()))


def _all_pairs(count: int) -> None:
    """A run over stand-in faces: the template of a file is drawn from its bytes, and counted."""
    drawn: Counter[bytes] = Counter()
    calibration = Calibration({name: 10.0 for name, _ in DIMENSIONS}, -7.0, "stand-in")
    clock = SystemClock()
    check = FaceMatch(point=None, calibration=calibration, clock=clock, provider="own", digest="stand-in")

    @contextmanager
    def opened() -> Iterator[Workbench]:
        yield Workbench(check, CheckRunner([check], clock), _Perceiver(drawn), 20.0)

    candidate = CheckCandidate(
        Described("stand-in", check.name, check.provider, check.digest), opened, comparer=check
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        eval_set = _faces(root, count)
        bench = Bench(root / "runs", MediaRoot(str(root)), Serial(), clock, code_here())
        started = time.process_time()
        run = run_bench(eval_set, candidate, bench)
        spent = time.process_time() - started
        size = sum(path.stat().st_size for path in (root / "runs").rglob("*.parquet"))
    pairs = run.table.pairs
    comparisons = 0 if pairs is None else pairs.score.size
    print(f"{count} faces, {comparisons} comparisons: {spent:.1f} s of CPU, {size / 1e6:.0f} MB of Parquet")
    print(f"  each image embedded: {sorted(set(drawn.values()))} times")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def _faces(root: Path, count: int) -> EvalSet:
    items = []
    for number in range(count):
        data = number.to_bytes(4, "big")
        (root / f"f{number}").write_bytes(data)
        ref = MediaRef(hashlib.sha256(data).hexdigest(), f"f{number}")
        items.append(EvalItem(f"f{number}", {ImageRole.REFERENCE: ref}, subject=str(number // 2)))
    return EvalSet(
        name="stand-in",
        version="1",
        check=CheckName.FACE_MATCH,
        digest="0" * 64,
        description="",
        licence="",
        created_on=SystemClock().now().date(),
        items=tuple(items),
        comparisons=Comparisons.ALL_PAIRS,
    )


_FACE = Face(
    Box(0, 0, 10, 10),
    0.9,
    np.zeros((0, 3), np.float32),
    np.zeros((5, 2), np.float32),
    Pose(0, 0, 0),
    FaceQuality(60, 1, 0.5, 0.5, 1, 0, 1, 1),
)


@dataclass(frozen=True)
class _Perceiver:
    drawn: Counter[bytes]

    def perceive(self, evidence: Evidence, remembered: Remembered | None = None) -> Perception:  # noqa: ARG002 - the port
        return _Perception(evidence, self.drawn)


@dataclass(frozen=True)
class _Perception:
    evidence: Evidence
    drawn: Counter[bytes]
    stage_ms: Mapping[str, float] = field(default_factory=dict)

    def subject(self, role: ImageRole) -> SubjectFace:  # noqa: ARG002 - the port
        return SubjectFace(_FACE, 1)

    def template(self, role: ImageRole) -> FaceTemplate:
        data = self.evidence.images[role].data
        self.drawn[data] += 1
        rng = np.random.default_rng(int.from_bytes(data, "big"))
        return FaceTemplate(tuple((name, _unit(rng.normal(size=size))) for name, size in DIMENSIONS))

    def image(self, role: ImageRole) -> DecodedImage:
        raise NotImplementedError

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        raise NotImplementedError

    def document(self, role: ImageRole) -> DocumentView | None:
        raise NotImplementedError

    def reading(self, role: ImageRole) -> DocumentReading:
        raise NotImplementedError


def _unit(
    vector: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


if __name__ == "__main__":
    main()
