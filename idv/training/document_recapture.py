"""Trains the recapture network and writes model, lock and card: `python -m idv.training.document_recapture`.

Needs the extra `train` and the pictures of `python -m idv.training.document_corpus` and of `python -m
idv.training.document_recapture_validation`. Squares and weights are kept in the work folder, so that a broken
run goes on where it stopped; empty it to begin anew.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.export import Dim

from idv.domain.arrays import Array
from idv.metrics.calibration import LlrModel
from idv.training.document_corpus import items
from idv.training.document_recapture_card import TABLES, write_card
from idv.training.document_recapture_data import Stock, make_stock
from idv.training.document_recapture_figures import Scored, fit_baseline, measures
from idv.training.document_recapture_fitting import Checkpoint, Schedule, conclude, fit, logits
from idv.training.document_recapture_network import RecaptureNetwork
from idv.training.exporting import export as export_network
from idv.training.pinning import pin
from idv.vision.models.document_recapture import PATCH_PX, PLACES

NAME = "document_recapture"
_EXAMPLES = 2
_TOLD_EVERY = 50
_SEEDS = {"training": 1, "validation": 2}


def main(arguments: Sequence[str] | None = None) -> None:
    """Cut the squares, fit the network, and write what the repository keeps."""
    asked = _parser().parse_args(arguments)
    torch.set_num_threads(1)  # sums are then taken in the same order on every machine
    cv2.setNumThreads(1)
    schedule = Schedule(steps=asked.steps, again=asked.again)
    began = time.process_time()
    stock = make_stock(items(asked.corpus), asked.work / "training", seed=_SEEDS["training"])
    network = fit(stock, schedule, checkpoint=Checkpoint(asked.work / "state.pt"), told=_progress(began))
    network = conclude(network, stock, schedule)
    minutes = (time.process_time() - began) / 60
    models = asked.repository / "model_repository"
    model = models / NAME / "1" / "model.onnx"
    export(network, model)
    pin(models, NAME)
    other = make_stock(items(asked.validation), asked.work / "validation", seed=_SEEDS["validation"])
    tables = score_all(network, stock, other)
    write_card(
        models / NAME / "card.toml",
        tables,
        model=model,
        schedule=schedule,
        pictures=int((~stock.validated).sum()),
        cases=len(np.unique(stock.case[~stock.validated])),
        duration=f"{minutes:.0f} minutes of CPU in the run that finished it",
    )
    _show(tables)


def score_all(network: RecaptureNetwork, stock: Stock, other: Stock) -> dict[str, Scored]:
    """The tables of the card: rows held back of the training stock, and of the second forger's."""
    baseline = fit_baseline(stock)
    first = np.flatnonzero(stock.validated & ~stock.low)
    return {
        "first": _scored(network, baseline, stock, first),
        "second": _scored(network, baseline, other, np.flatnonzero(~other.low)),
        "second_low": _scored(network, baseline, other, np.flatnonzero(other.low)),
    }


def export(network: RecaptureNetwork, path: Path) -> None:
    """Write `path`: inputs `patches` and `outline`, output `logit`, as on the model's card."""
    batch = Dim("batch", min=1)
    export_network(
        network,
        path,
        examples={
            "patches": torch.zeros(_EXAMPLES, len(PLACES), 3, PATCH_PX, PATCH_PX),
            "outline": torch.zeros(_EXAMPLES, 2),
        },
        outputs=("logit",),
        dynamic={"patches": {0: batch}, "outline": {0: batch}},
    )


def _scored(network: RecaptureNetwork, baseline: LlrModel, stock: Stock, rows: Array) -> Scored:
    without = baseline.llr(measures(stock, rows)).astype(np.float32)
    return Scored(stock.kind[rows], logits(network, stock, rows), without)


def _show(tables: dict[str, Scored]) -> None:
    threshold = tables["first"].threshold()
    for name, scored in tables.items():
        print(TABLES[name])
        for species, found in scored.figures(threshold).items():
            print(
                f"  {species:18} AUC {found.auc:.3f}, without a network {found.baseline_auc:.3f}; "
                f"passed {found.passed}"
            )
        for kind in ("photo", "scan"):
            print(f"  {kind:18} refused {scored.refused(kind, threshold)}")


def _progress(began: float) -> Callable[[int, float], None]:
    def tell(step: int, loss: float) -> None:
        if step % _TOLD_EVERY == 0:
            print(f"step {step}, loss {loss:.3f}, {time.process_time() - began:.0f} s of CPU", flush=True)

    return tell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m idv.training.document_recapture")
    folder = Path("var/training")
    parser.add_argument("--corpus", type=Path, default=folder / "documents", help="pictures to learn from")
    parser.add_argument("--validation", type=Path, default=folder / "documents-validation")
    parser.add_argument("--work", type=Path, default=folder / NAME, help="squares and weights")
    parser.add_argument("--repository", type=Path, default=Path(), help="root of the repository to write to")
    parser.add_argument("--steps", type=int, default=Schedule().steps, help="of the first cycle")
    parser.add_argument("--again", type=int, default=Schedule().again, help="steps of the second cycle")
    return parser


if __name__ == "__main__":
    main()
