"""Trains the passive PAD network and writes model, card and calibration: `python -m idv.training.pad`.

Needs the extra `train`, the data folder and the models of the `open` pack (they find the faces). Tables and
weights are kept in the work folder, so that a broken run goes on where it stopped; empty it to begin anew.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch

from idv.bootstrap import judges
from idv.domain.arrays import FloatArray, RgbImage
from idv.settings import Settings
from idv.training.pad_card import write_calibration, write_card
from idv.training.pad_data import Table
from idv.training.pad_export import export
from idv.training.pad_figures import Scores
from idv.training.pad_fitting import CutName, Schedule, Schedules, fit, fresh, logits
from idv.training.pad_network import PadNetwork
from idv.training.pad_recipes import SIMULATED, SIMULATED_TESTS, TRAINING, load, locate_faces, make_tables
from idv.training.pinning import pin

FOLDS = (("0001", "0004", "0007"), ("0002", "0005", "0008"), ("0003", "0006", "0009"))
"""NUAA subjects left out of training together; each is scored by a network that never saw them."""
_BASE, _FINAL = "base", "final"


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the tables, fit the final network and one a fold, and write what the repository keeps."""
    asked = _parser().parse_args(arguments)
    schedules = Schedules()
    began, afresh = time.monotonic(), not asked.work.exists()
    prepare(asked.data, asked.work, schedules=schedules, jobs=asked.jobs)
    models = asked.repository / "model_repository"
    model = models / "pad" / "1" / "model.onnx"
    export(_network(asked.work, _FINAL), model)
    pin(models, "pad")
    scores = score_all(asked.work, lambda table: logits(_network(asked.work, _FINAL), table))
    write_calibration(asked.repository / "calibrations" / "open" / "liveness.toml", scores, model=model)
    minutes = (time.monotonic() - began) / 60
    took = f"{minutes:.0f} minutes of wall time with {asked.jobs} processes of one thread" if afresh else ""
    write_card(models / "pad" / "card.toml", scores, model=model, schedules=schedules, duration=took)
    print(f"wrote {model} ({model.stat().st_size} bytes), its card and its calibration")


def prepare(data: Path, work: Path, *, schedules: Schedules, jobs: int) -> None:
    """Make the tables and fit the networks that `work` does not hold yet."""
    with _finder() as finder:
        locate_faces(data, work, finder)
    make_tables(data, work, jobs=jobs)
    _fit_all(work, schedules, jobs=jobs)


def score_all(work: Path, final: Callable[[Table], FloatArray]) -> Scores:
    """Logits of everything that the scoring network was not trained on; `final` scores what is simulated."""
    parts = {name: load(work, name) for name in SIMULATED_TESTS}
    captured = load(work, "captured")
    found = np.zeros((len(captured), len(CutName)), np.float32)
    for number, subjects in enumerate(FOLDS):
        rows = np.isin(captured.person, _people(subjects))
        found[rows] = logits(_network(work, f"fold_{number}"), captured.where(rows))
    scored = {name: final(table) for name, table in parts.items()}
    # The base was fitted before any capture was shown: to it, captures are another source altogether.
    scored |= {"captured": found, "captured_elsewhere": logits(_network(work, _BASE), captured)}
    return Scores({**parts, "captured": captured, "captured_elsewhere": captured}, scored)


def _fit_all(work: Path, schedules: Schedules, *, jobs: int) -> None:
    """All branches of the base, then of the final network and of one a fold."""
    left_out = {_FINAL: (), **{f"fold_{number}": subjects for number, subjects in enumerate(FOLDS)}}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        _wait(pool.submit(_fit_base, work, cut, schedules.base) for cut in CutName)
        _wait(
            pool.submit(_fit_one, work, name, cut, left_out=subjects, schedule=schedules.tuning)
            for name, subjects in left_out.items()
            for cut in CutName
        )


def _wait(tasks: Iterable[Future[None]]) -> None:
    for task in list(tasks):
        task.result()


def _fit_base(work: Path, cut: CutName, schedule: Schedule) -> None:
    """On simulated presentations of LFW and FFHQ alone: it knows no NUAA subject, so all folds may use it."""
    if _weights(work, _BASE, cut).exists():
        return
    _one_thread()
    table = load(work, *SIMULATED)
    branch = fit(table.where(table.dataset != "nuaa"), cut, schedule, told=_progress(f"{_BASE} {cut}"))
    torch.save(branch.state_dict(), _weights(work, _BASE, cut))


def _fit_one(work: Path, name: str, cut: CutName, *, left_out: tuple[str, ...], schedule: Schedule) -> None:
    if _weights(work, name, cut).exists():
        return
    _one_thread()
    table = load(work, *TRAINING)
    seen = table.where(~np.isin(table.person, _people(left_out)))
    start = fresh(cut)
    start.load_state_dict(torch.load(_weights(work, _BASE, cut), weights_only=True))
    branch = fit(seen, cut, schedule, start=start, told=_progress(f"{name} {cut}"))
    torch.save(branch.state_dict(), _weights(work, name, cut))


def _one_thread() -> None:
    """Sums are then taken in the same order on every machine."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _progress(name: str) -> Callable[[int, float], None]:
    def tell(step: int, loss: float) -> None:
        print(f"{name}: step {step}, loss {loss:.3f}", flush=True)

    return tell


def _people(subjects: Sequence[str]) -> list[str]:
    return [f"nuaa-{subject}" for subject in subjects]


def _network(work: Path, name: str) -> PadNetwork:
    network = PadNetwork()
    for cut in CutName:
        network.get_submodule(cut).load_state_dict(torch.load(_weights(work, name, cut), weights_only=True))
    network.eval()
    return network


def _weights(work: Path, name: str, cut: CutName) -> Path:
    return work / f"{name}.{cut}.pt"


@contextmanager
def _finder() -> Iterator[Callable[[RgbImage], FloatArray | None]]:
    """The service's own face analysis: the network must be trained on the cuts it will get."""
    with judges(Settings()) as made:

        def find(pixels: RgbImage) -> FloatArray | None:
            faces = made.perceiver.faces.faces(pixels)
            return faces[0].five_points if faces else None

        yield find


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m idv.training.pad")
    parser.add_argument("--data", type=Path, default=os.environ.get("IDV_DATA"), help="default: $IDV_DATA")
    parser.add_argument("--work", type=Path, default=Path("var/training/pad"), help="tables and weights")
    parser.add_argument("--repository", type=Path, default=Path(), help="root of the repository to write to")
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    return parser


if __name__ == "__main__":
    main()
