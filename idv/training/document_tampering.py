"""Trains the tampering network and writes model and card: `python -m idv.training.document_tampering`.

Needs the extra `train`, the data folder and the corpus of `idv.training.document_corpus`. Maps and weights
are kept in the work folder, so that a broken run goes on where it stopped; empty it to begin anew.
"""

import argparse
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from idv.training import document_tampering_validation as validation
from idv.training.document_tampering_card import write_card
from idv.training.document_tampering_data import Sample, load, make_maps
from idv.training.document_tampering_export import export
from idv.training.document_tampering_figures import figures, score
from idv.training.document_tampering_fitting import Schedule, fit
from idv.training.document_tampering_network import DocumentTamperingNetwork, Judge
from idv.training.pinning import pin

NAME = "document_tampering"
_SEED = 2026
_PRACTISED = 8
"""Cases whose number ends below this are trained on; the others are kept to look at.

Designs take turns by ten, so two of the known ones are not trained on either.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the maps, fit the judge, and write what the repository keeps."""
    asked = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    began, schedule = time.process_time(), Schedule(steps=asked.steps)
    practised, kept = _maps(asked.corpus, asked.work)
    judge = fitted(asked.work / "judge.pt", practised, schedule)
    took = (time.process_time() - began) / 60
    models = asked.repository / "model_repository"
    model = models / NAME / "1" / "model.onnx"
    network = DocumentTamperingNetwork()
    network.judge = judge
    export(network, model)
    pin(models, NAME)
    scored = {"first": score(judge, _as_sent(kept)), "second": score(judge, _second(asked))}
    found = {name: list(figures(scores)) for name, scores in scored.items()}
    for name, rows in found.items():
        print(name, *rows, sep="\n  ")
    write_card(
        models / NAME / "card.toml",
        found,
        model=model,
        schedule=schedule,
        cases=len(practised),
        duration=f"{took:.0f} minutes of one core",
    )
    print(f"wrote {model} ({model.stat().st_size} bytes) and its card")


def fitted(weights: Path, maps: Sequence[Path], schedule: Schedule) -> Judge:
    """The judge of these weights, trained first where they are not there."""
    if not weights.exists():
        judge = fit(
            maps,
            schedule,
            kept=weights.with_name("broken.pt"),
            told=lambda step, loss: print(f"step {step}: loss {loss:.4f}", flush=True),
        )
        torch.save(judge.state_dict(), weights)
    judge = Judge()
    judge.load_state_dict(torch.load(weights, weights_only=True))
    judge.eval()
    return judge


def _maps(corpus: Path, work: Path) -> tuple[list[Path], list[Path]]:
    """Maps to train on, and of holders that are kept apart."""
    make_maps(corpus, work, seed=_SEED)
    paths = sorted(work.glob("[0-9]*.pt"))
    practised = [path for path in paths if int(path.stem) % 10 < _PRACTISED]
    return practised, [path for path in paths if path not in set(practised)]


def _second(asked: argparse.Namespace) -> list[Sample]:
    """What the second forger made, in the encodings that training never saw."""
    maps = asked.work / "second"
    validation.main(["--data", str(asked.data), "--work", str(asked.validation)])
    make_maps(asked.validation, maps, seed=_SEED, plain=True)
    return _as_sent(sorted(maps.glob("*.pt")))


def _as_sent(maps: Iterable[Path]) -> list[Sample]:
    return [sample for path in maps for sample in load(path) if not sample.again]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("IDV_DATA"), help="default: $IDV_DATA")
    parser.add_argument("--corpus", type=Path, default=Path("var/training/documents"))
    parser.add_argument("--validation", type=Path, default=Path("var/training/documents-validation-edits"))
    parser.add_argument("--work", type=Path, default=Path("var/training/tampering"))
    parser.add_argument("--repository", type=Path, default=Path())
    parser.add_argument("--steps", type=int, default=Schedule().steps)
    return parser


if __name__ == "__main__":
    main()
