"""Tries to tell forged documents by what has nothing to do with forging, and prints how far it comes.

    python -m scripts.bench.shortcut_baselines [documents-authenticity]

Four classifiers: the file's size, the picture's size, the file's header (encoder, quantisation, sampling),
and its sharpness. Each is the share of forged items among the nearest neighbours, fitted once on part `tune`
and once on the other half of the holders of part `test`, whose encoders and forger are the same. A set
whose classes differ in one of these would reward a network for looking there: near 0.5 is what is wanted.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from idv import settings
from idv.domain.eval_sets import EvalItem, Part
from idv.domain.evidence import ImageRole
from idv.evaluation.sets.folder import load_set
from idv.evaluation.sets.media import MediaRoot
from idv.evaluation.sets.places import find_set
from idv.metrics.error_rates import roc_auc

_NEIGHBOURS = 25
_RESAMPLES = 400
_SIDE_PX = 800
_NEAR_CHANCE = (0.4, 0.6)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Files:
    """What is known of each item's front. `features`: baseline -> (N, D); `forged`, `tune`: (N,) bool."""

    features: Mapping[str, Floats] = field(repr=False)
    forged: NDArray[np.bool_]
    tune: NDArray[np.bool_]
    subjects: NDArray[np.int64]
    species: NDArray[np.str_]


def main() -> None:
    """Print each baseline's AUC on the test part with its interval, and by species."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", nargs="?", default="documents-authenticity")
    folder = find_set(parser.parse_args().set, committed=settings.load().eval_sets)
    files = _measured(load_set(folder).items)
    print(f"{int(files.tune.sum())} items to fit on, {int((~files.tune).sum())} to test on; AUC of forged\n")
    print(f"{'baseline':12} {'fitted on tune':>22} {'fitted on other holders of test':>34}")
    for name in files.features:
        told = [_told(files, name, fit) for fit in (_from_tune, _from_other_half)]
        print(f"{name:12} {told[0]:>22} {told[1]:>34}")
    print("\nby species, fitted on other holders of the test part")
    for name in files.features:
        print(f"{name:12} {_by_species(files, name)}")


def _measured(items: tuple[EvalItem, ...]) -> Files:
    root = MediaRoot(settings.load().media_root)
    rows = [_features(root.bytes_of(item.media[ImageRole.DOCUMENT_FRONT])) for item in items]
    _, subjects = np.unique([item.subject or item.id for item in items], return_inverse=True)
    return Files(
        features={name: np.array([row[name] for row in rows], np.float64) for name in rows[0]},
        forged=np.array([item.label is not None and not item.label.is_genuine for item in items]),
        tune=np.array([item.part is Part.TUNE for item in items]),
        subjects=np.asarray(subjects, np.int64),
        species=np.array([item.species or "" for item in items]),
    )


def _features(data: bytes) -> dict[str, tuple[float, ...]]:
    pixels = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
    height, width = pixels.shape
    return {
        "file size": (float(np.log(len(data))),),
        "picture size": (float(np.log(width * height)), float(np.log(width / height))),
        "header": _header(data),
        "sharpness": _sharpness(pixels),
    }


def _header(data: bytes) -> tuple[float, ...]:
    """Encoder, chroma sampling and the mean of each quantisation table; WebP: its quantiser's bits."""
    if data[:4] == b"RIFF":
        # VP8 frame header, RFC 6386 section 9: the bytes behind the dimensions hold segments and quantiser.
        return (1.0, 0.0, *(float(byte) for byte in data[30:34]))
    tables, sampling, progressive, at = [], 0.0, 0.0, 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        content = data[at + 4 : at + 2 + length]
        if marker == 0xDB:
            tables += [float(np.mean(list(content[i + 1 : i + 65]))) for i in range(0, len(content), 65)]
        if marker in (0xC0, 0xC2):  # frames
            sampling, progressive = float(content[7]), float(marker == 0xC2)
        at += 2 + length
    return (0.0, sampling, progressive, *[*tables, 0.0, 0.0][:2], 0.0)


def _sharpness(pixels: NDArray[np.uint8]) -> tuple[float, ...]:
    """Energy of the second derivative and of the gradient, at full size and at `_SIDE_PX`."""
    small = cv2.resize(
        pixels, (_SIDE_PX, _SIDE_PX * pixels.shape[0] // pixels.shape[1]), interpolation=cv2.INTER_AREA
    )
    return tuple(float(np.log(np.var(cv2.Laplacian(picture, cv2.CV_32F)) + 1)) for picture in (pixels, small))


# --- classifiers ----------------------------------------------------------------------------------------


def _from_tune(files: Files, name: str) -> Floats:
    scores = np.full(len(files.forged), np.nan)
    scores[~files.tune] = _nearest(files.features[name], files.forged, fit=files.tune, ask=~files.tune)
    return scores


def _from_other_half(files: Files, name: str) -> Floats:
    scores = np.full(len(files.forged), np.nan)
    for half in (0, 1):
        ask = ~files.tune & (files.subjects % 2 == half)
        fit = ~files.tune & (files.subjects % 2 != half)
        scores[ask] = _nearest(files.features[name], files.forged, fit=fit, ask=ask)
    return scores


def _nearest(
    features: Floats, forged: NDArray[np.bool_], *, fit: NDArray[np.bool_], ask: NDArray[np.bool_]
) -> Floats:
    """Share of forged ones among the nearest, classes weighted alike; ties of distance count all alike."""
    scale = features[fit].std(axis=0)
    known, asked = (features[mask] / np.where(scale > 0, scale, 1) for mask in (fit, ask))
    away = np.sqrt(((asked[:, None] - known[None]) ** 2).sum(axis=2))
    reach = np.sort(away, axis=1)[:, min(_NEIGHBOURS, away.shape[1]) - 1]
    near = away <= reach[:, None] + 1e-9
    attacks = (near & forged[fit]).sum(axis=1) / forged[fit].sum()
    genuine = (near & ~forged[fit]).sum(axis=1) / (~forged[fit]).sum()
    return np.asarray(attacks / (attacks + genuine), np.float64)


# --- figures --------------------------------------------------------------------------------------------


def _told(files: Files, name: str, fit: Callable[[Files, str], Floats]) -> str:
    scores = fit(files, name)
    point = _auc(files, scores, ~files.tune)
    spread = np.quantile(_resampled(files, scores), [0.025, 0.975])
    flag = "" if _NEAR_CHANCE[0] <= point <= _NEAR_CHANCE[1] else "  NOT NEAR CHANCE"
    return f"{point:.3f} [{spread[0]:.3f}, {spread[1]:.3f}]{flag}"


def _resampled(files: Files, scores: Floats) -> Floats:
    """AUC of samples of holders drawn with replacement."""
    rng = np.random.default_rng(1)
    holders = np.unique(files.subjects[~files.tune])
    members = {holder: np.flatnonzero((files.subjects == holder) & ~files.tune) for holder in holders}
    found = []
    for _ in range(_RESAMPLES):
        rows = np.concatenate([members[holder] for holder in rng.choice(holders, len(holders))])
        found.append(roc_auc(scores[rows][files.forged[rows]], scores[rows][~files.forged[rows]]))
    return np.array(found)


def _auc(files: Files, scores: Floats, rows: NDArray[np.bool_]) -> float:
    return roc_auc(scores[rows & files.forged], scores[rows & ~files.forged])


def _by_species(files: Files, name: str) -> str:
    scores, test = _from_other_half(files, name), ~files.tune
    told = []
    for kind in sorted(set(files.species[test & files.forged])):
        rows = test & (~files.forged | (files.species == kind))
        told.append(f"{kind} {_auc(files, scores, rows):.2f}")
    return ", ".join(told)


if __name__ == "__main__":
    main()
