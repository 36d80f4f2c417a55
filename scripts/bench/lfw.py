"""Measures face matching on LFW through the project's own detection, alignment, embedders and fusion.

    python scripts/bench/lfw.py                 report, with the committed calibration
    python scripts/bench/lfw.py --fit           fit the calibration first, and write it
    python scripts/bench/lfw.py --write-point   also write the operating point
    python scripts/bench/lfw.py --elsewhere     also what the threshold gives on NUAA's people and camera
    python scripts/bench/lfw.py --degraded 200  also how FNMR grows when one picture gets small or blurred

Every image counts: a picture without a face gets a score of -inf, an error of each of its mated pairs. The
subject is the face that `FaceAnalyser.subject` picks. Templates are kept in `--cache`, named by the digest of
everything they depend on. `IDV_DATA` says where `lfw/` and `generated_faces/` are.
"""

import argparse
import csv
import datetime as dt
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import platformdirs
from numpy.typing import NDArray

from idv.checks.face_match.calibration import Calibration, Population, load_calibration
from idv.checks.face_match.check import face_match_digest
from idv.checks.face_match.comparison import compare, compare_all
from idv.domain.arrays import RgbImage
from idv.domain.faces import Face, FaceTemplate
from idv.domain.operating_points import Interval
from idv.domain.ports import Inference
from idv.domain.results import check_digest
from idv.infra.inference.local import LocalInference
from idv.metrics import error_rates
from idv.metrics.calibration import cllr, fit_llr
from idv.packs.store import ModelStore
from idv.vision.perception.faces import FaceAnalyser
from idv.vision.perception.templates import TemplateMaker

ROOT = Path(__file__).resolve().parents[2]
POPULATION_MODEL, PROTOTYPES, NEAREST = "faceres", 64, 3
FITTED_ON = (1, 2)
PRIOR = 1e-2
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Pipeline:
    """Picture in, template out; None where no face was found."""

    analyser: FaceAnalyser
    maker: TemplateMaker

    @classmethod
    def over(cls, inference: Inference) -> "Pipeline":
        """The pipeline of the `open` pack."""
        return cls(FaceAnalyser(inference), TemplateMaker(inference))

    @property
    def digest(self) -> str:
        """Over everything a template depends on."""
        return check_digest({**self.analyser.digest_parts(), **self.maker.digest_parts()})

    def template(self, path: Path) -> FaceTemplate | None:
        """The template of the picture's subject."""
        return self.seen(_pixels(path))[0]

    def seen(self, pixels: RgbImage) -> tuple[FaceTemplate | None, Face | None]:
        """Template and face of the subject of (H, W, 3) uint8 RGB."""
        face = self.analyser.subject(self.analyser.faces(pixels), pixels.shape).face
        return (None if face is None else self.maker.template(pixels, face)), face


@dataclass(frozen=True)
class Pictures:
    """Pictures of known people; `folds` (N,) of each, `templates` None where there was no face."""

    paths: tuple[str, ...]
    subjects: NDArray[np.str_]
    folds: NDArray[np.int64]
    templates: tuple[FaceTemplate | None, ...]

    def of_folds(self, folds: Sequence[int]) -> "Pictures":
        """The pictures of some folds."""
        keep = np.flatnonzero(np.isin(self.folds, folds))
        return Pictures(
            tuple(self.paths[i] for i in keep),
            self.subjects[keep],
            self.folds[keep],
            tuple(self.templates[i] for i in keep),
        )


def main() -> None:
    """Report, and fit and write what was asked for."""
    arguments = _arguments()
    cv2.setNumThreads(1)
    store = ModelStore(ROOT / "model_repository", arguments.models)
    pipeline = Pipeline.over(LocalInference(store.files("open")))
    data = Path(os.environ["IDV_DATA"])
    pairs = list(csv.DictReader((data / "lfw/pairs.csv").open()))
    pictures = _lfw(pairs, data / "lfw", pipeline, arguments.cache)
    path = ROOT / "calibrations/open/face_match.toml"
    if arguments.fit:
        _fit(pictures, data, pipeline, arguments.cache, path)
    calibration = load_calibration(path)
    scores = _scores(pictures, calibration)
    _report(pictures, scores, pairs)
    if arguments.elsewhere:
        _report_elsewhere(
            error_rates.threshold_at_fmr(_split(pictures.subjects, scores)[1], 1e-3),
            data,
            pipeline,
            arguments.cache,
            calibration,
        )
    if arguments.degraded:
        _report_degraded(
            pictures,
            scores,
            pairs[:: max(1, len(pairs) // (2 * arguments.degraded))],
            data,
            pipeline,
            calibration,
        )
    if arguments.write_point:
        _write_point(pictures, scores, data / "lfw", pipeline, calibration)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cache = Path(platformdirs.user_cache_dir("idv"))
    parser.add_argument(
        "--models", type=Path, default=Path(os.environ.get("IDV_MODEL_CACHE", cache / "models"))
    )
    parser.add_argument("--cache", type=Path, default=cache / "bench")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--write-point", action="store_true")
    parser.add_argument("--elsewhere", action="store_true")
    parser.add_argument("--degraded", type=int, default=0, metavar="PAIRS")
    return parser.parse_args()


def _lfw(pairs: Iterable[dict[str, str]], root: Path, pipeline: Pipeline, cache: Path) -> Pictures:
    known = {}
    for pair in pairs:
        for side in ("a", "b"):
            known[pair[f"path_{side}"]] = (pair[f"subject_{side}"], int(pair["fold"]))
    paths = tuple(sorted(known))
    return Pictures(
        paths,
        np.array([known[p][0] for p in paths]),
        np.array([known[p][1] for p in paths]),
        _templates(root, paths, pipeline, cache),
    )


def _templates(
    root: Path, paths: Sequence[str], pipeline: Pipeline, cache: Path
) -> tuple[FaceTemplate | None, ...]:
    """Templates of all pictures, from the cache where everything they depend on is unchanged."""
    name = hashlib.sha256("\n".join([pipeline.digest, str(root), *paths]).encode()).hexdigest()[:16]
    file = cache / f"templates-{name}.npz"
    if not file.exists():
        started = time.process_time()
        made = [pipeline.template(root / path) for path in paths]
        spent_ms = (time.process_time() - started) * 1000 / len(paths)
        names = [model for model, _ in next(t for t in made if t).vectors]
        found = np.array([t is not None for t in made])
        arrays = {m: np.stack([dict(t.vectors)[m] for t in made if t]) for m in names}
        cache.mkdir(parents=True, exist_ok=True)
        kept_arrays: dict[str, Any] = {"found": found, "spent_ms": spent_ms, **arrays}
        np.savez(file, **kept_arrays)
    with np.load(file) as kept:
        models = [m for m in kept.files if m not in ("found", "spent_ms")]
        rows = zip(*(kept[m] for m in models), strict=True)
        templates = tuple(
            FaceTemplate(tuple(zip(models, next(rows), strict=True))) if found else None
            for found in kept["found"]
        )
        print(f"{root.name}: {len(paths)} pictures, {kept['found'].sum()} with a face, ", end="")
        print(f"{float(kept['spent_ms']):.0f} ms of CPU each when they were made")
    return templates


def _fit(pictures: Pictures, data: Path, pipeline: Pipeline, cache: Path, path: Path) -> None:
    """Population from faces elsewhere; weights, discount and offset on some folds of LFW."""
    others = sorted(row["path"] for row in csv.DictReader((data / "generated_faces/items.csv").open()))
    crowd = [t for t in _templates(data / "generated_faces", others, pipeline, cache) if t]
    population = _population(np.stack([dict(t.vectors)[POPULATION_MODEL] for t in crowd]))
    fitting = pictures.of_folds(FITTED_ON)
    mated, comparable = _truth(fitting)
    models = [name for name, _ in crowd[0].vectors]
    features = np.stack([_feature(fitting, m, population) for m in [*models, None]], axis=-1)
    fitted = fit_llr(features[comparable & mated], features[comparable & ~mated], prior=PRIOR)
    rows = np.vstack([population.centre, population.prototypes]).astype(np.float16)
    array = path.with_name(f"face_match.{POPULATION_MODEL}.npy")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(array, rows)
    path.write_text(
        _calibration_toml(
            dict(zip(models, fitted.weights[:-1], strict=True)),
            discount=-fitted.weights[-1],
            offset=fitted.offset,
            population_file=array,
            counts=(int((comparable & mated).sum()), int((comparable & ~mated).sum())),
            pipeline=pipeline.digest,
        )
    )
    print(f"wrote {path.relative_to(ROOT)}")


def _population(vectors: NDArray[np.float32]) -> Population:
    """Centre and cluster means (spherical k-means, fixed seed) of templates (N, D)."""
    centre = vectors.mean(axis=0, dtype=np.float64)
    around = vectors - centre
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    means = around[np.random.default_rng(0).choice(len(around), PROTOTYPES, replace=False)]
    for _ in range(30):
        nearest = (around @ means.T).argmax(axis=1)
        sums = np.stack(
            [
                around[nearest == k].sum(axis=0) if (nearest == k).any() else means[k]
                for k in range(PROTOTYPES)
            ]
        )
        means = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return Population(POPULATION_MODEL, centre, means, NEAREST)


def _feature(pictures: Pictures, model: str | None, population: Population) -> Matrix:
    """All pairs' cosine of one model, or (None) their mean commonness: just what the calibration weighs."""
    one = "any" if model is None else model
    weights = {POPULATION_MODEL if model is None else one: 1e-12 if model is None else 1.0}
    calibration = Calibration(weights, 0.0, "", population, -1.0 if model is None else 0.0)
    return _scores(pictures, calibration)


def _truth(pictures: Pictures) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Matrices (N, N): same person; and which pairs count: above the diagonal, both with a face."""
    found = np.array([t is not None for t in pictures.templates])
    mated = pictures.subjects[:, None] == pictures.subjects[None]
    return mated, np.triu(found[:, None] & found[None], 1)


def _scores(pictures: Pictures, calibration: Calibration) -> Matrix:
    """All pairs; -inf where one has no face."""
    found = np.flatnonzero([t is not None for t in pictures.templates])
    templates = [t for t in pictures.templates if t]
    scores = np.full((len(pictures.paths),) * 2, -np.inf)
    scores[np.ix_(found, found)] = compare_all(templates, templates, calibration)
    return scores


def _report(pictures: Pictures, scores: Matrix, pairs: Sequence[dict[str, str]]) -> None:
    folds = sorted(set(pictures.folds.tolist()))
    head = f"{'all pairs':28s}{'pictures':>9s}{'mated':>7s}{'non-mated':>11s}"
    print(f"{head}  FNMR at FMR 1e-2, 1e-3, 1e-4, 1e-5")
    for name, chosen in (
        ("all folds", folds),
        (f"folds {FITTED_ON} (fitted on)", list(FITTED_ON)),
        ("the other folds", [f for f in folds if f not in FITTED_ON]),
    ):
        keep = np.isin(pictures.folds, chosen)
        mated, nonmated = _split(pictures.subjects[keep], scores[np.ix_(keep, keep)])
        rates = [error_rates.fnmr_at_fmr(mated, nonmated, 10.0**-k) for k in (2, 3, 4, 5)]
        print(f"{name:28s}{keep.sum():9d}{len(mated):7d}{len(nonmated):11d}  ", end="")
        print(", ".join(f"{100 * r:.2f} %" for r in rates))
        finite = mated[np.isfinite(mated)], nonmated[np.isfinite(nonmated)]
        print(f"{'':28s}AUC {error_rates.roc_auc(mated, nonmated):.5f}, EER ", end="")
        print(f"{100 * error_rates.equal_error_rate(mated, nonmated):.2f} %, Cllr {cllr(*finite):.4f} bit")
    _report_official(pictures, scores, pairs)


def _report_official(pictures: Pictures, scores: Matrix, pairs: Sequence[dict[str, str]]) -> None:
    """Accuracy over the official pairs, the threshold of each fold taken from the others."""
    index = {path: i for i, path in enumerate(pictures.paths)}
    values = np.array([scores[index[p["path_a"]], index[p["path_b"]]] for p in pairs])
    mated = np.array([p["mated"] == "1" for p in pairs])
    folds = np.array([int(p["fold"]) for p in pairs])
    right = []
    for fold in sorted(set(folds.tolist())):
        rest = folds != fold
        threshold = error_rates.best_accuracy_threshold(values[rest & mated], values[rest & ~mated])
        right.append(np.mean((values[~rest] >= threshold) == mated[~rest]))
    print(f"official pairs ({len(pairs)}): accuracy {100 * np.mean(right):.2f} %, by fold ", end="")
    print(", ".join(f"{100 * r:.2f}" for r in right), end="; ")
    print(f"FNMR {100 * error_rates.fnmr_at_fmr(values[mated], values[~mated], 1e-3):.2f} % at FMR 1e-3")


def _report_elsewhere(
    threshold: float, data: Path, pipeline: Pipeline, cache: Path, calibration: Calibration
) -> None:
    """Error rates at LFW's threshold on NUAA's bona fide frames: nine people of one region.

    Up to six frames of each person and session; mated pairs are of different sessions.
    """
    sittings: dict[tuple[str, str], list[str]] = {}
    for row in csv.DictReader((data / "nuaa/items.csv").open()):
        if row["label"] == "bona_fide":
            sittings.setdefault((row["subject"], row["session"]), []).append(row["path"])
    chosen = {who: paths[:: max(1, len(paths) // 6)][:6] for who, paths in sittings.items()}
    frames = [(who, path) for who, paths in chosen.items() for path in paths]
    people, sessions = (np.array([who[k] for who, _ in frames]) for k in (0, 1))
    templates = _templates(data / "nuaa", [path for _, path in frames], pipeline, cache)
    pictures = Pictures(tuple(p for _, p in frames), people, np.zeros(len(frames), np.int64), templates)
    scores, above = _scores(pictures, calibration), np.triu(np.ones((len(frames),) * 2, bool), 1)
    same, other_session = people[:, None] == people[None], sessions[:, None] != sessions[None]
    mated, nonmated = scores[same & other_session & above], scores[~same & above]
    missed, matched = error_rates.fnmr(mated, threshold), error_rates.fmr(nonmated, threshold)
    print(f"NUAA at that threshold for FMR 1e-3: FMR {100 * matched:.1f} % of {len(nonmated)}, ", end="")
    print(f"FNMR {100 * missed:.1f} % of {len(mated)}; AUC {error_rates.roc_auc(mated, nonmated):.4f}")


def _report_degraded(
    pictures: Pictures,
    scores: Matrix,
    pairs: Sequence[dict[str, str]],
    data: Path,
    pipeline: Pipeline,
    calibration: Calibration,
) -> None:
    """Error rates at the threshold for FMR 1e-3 when the second picture of mated pairs gets worse."""
    threshold = error_rates.threshold_at_fmr(_split(pictures.subjects, scores)[1], 1e-3)
    mated = [p for p in pairs if p["mated"] == "1"]
    print(f"{len(mated)} mated pairs, each second picture also against all other people; median measures")
    for name, change in _DEGRADATIONS.items():
        seen = [pipeline.seen(change(_pixels(data / "lfw" / pair["path_b"]))) for pair in mated]
        missed, matched = _degraded_rates(pictures, mated, [t for t, _ in seen], calibration, threshold)
        qualities = [face.quality for _, face in seen if face]
        eyes, sharp = (np.median([getattr(q, m) for q in qualities]) for m in ("inter_eye_px", "sharpness"))
        print(f"{name:20s}FNMR {100 * missed:5.1f} %, FMR {matched:.2e}, ", end="")
        print(f"{eyes:.0f} px between the eyes, sharpness {sharp:.2f}, no face {len(seen) - len(qualities)}")


def _degraded_rates(
    pictures: Pictures,
    mated: Sequence[dict[str, str]],
    templates: Sequence[FaceTemplate | None],
    calibration: Calibration,
    threshold: float,
) -> tuple[float, float]:
    """FNMR against the other picture of each pair, FMR against every picture of other people."""
    references = [t for t in pictures.templates if t]
    names = pictures.subjects[[t is not None for t in pictures.templates]]
    known = dict(zip(pictures.paths, pictures.templates, strict=True))
    ratios, impostors = [], []
    for pair, template in zip(mated, templates, strict=True):
        reference = known[pair["path_a"]]
        if template is None or reference is None:
            ratios.append(-np.inf)
            continue
        ratios.append(compare(reference, template, calibration))
        against_all = compare_all([template], references, calibration)[0]
        impostors.append(against_all[names != pair["subject_b"]])
    return error_rates.fnmr(ratios, threshold), error_rates.fmr(np.concatenate(impostors), threshold)


def _pixels(path: Path) -> RgbImage:
    return np.asarray(cv2.imread(str(path)), dtype=np.uint8)[..., ::-1].copy()


def _reduced(scale: float) -> Callable[[RgbImage], RgbImage]:
    return lambda image: np.asarray(
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
    )


def _blurred(sigma: float) -> Callable[[RgbImage], RgbImage]:
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


_DEGRADATIONS: dict[str, Callable[[RgbImage], RgbImage]] = {
    "as it is": lambda image: image,
    **{f"reduced to {scale:.0%}": _reduced(scale) for scale in (0.7, 0.5, 0.4, 0.3)},
    **{f"blurred by {sigma:g} px": _blurred(sigma) for sigma in (1.5, 2.5, 4, 6)},
}


def _split(subjects: NDArray[np.str_], scores: Matrix) -> tuple[Matrix, Matrix]:
    above = np.triu_indices(len(subjects), 1)
    same = (subjects[:, None] == subjects[None])[above]
    return scores[above][same], scores[above][~same]


def _write_point(
    pictures: Pictures, scores: Matrix, root: Path, pipeline: Pipeline, calibration: Calibration
) -> None:
    mated, nonmated = _split(pictures.subjects, scores)
    threshold = float(np.ceil(error_rates.threshold_at_fmr(nonmated, 1e-3) * 1000) / 1000)
    # Below this a pair is called different: one mated pair in two hundred lies there.
    reject_below = float(np.floor(np.quantile(mated, 0.005) * 1000) / 1000)
    measured = error_rates.fmr(nonmated, threshold)
    interval = _resampled_fmr(pictures.subjects, scores, threshold)
    digest = face_match_digest(pipeline.analyser.digest_parts(), pipeline.maker.digest_parts(), calibration)
    files = sorted(hashlib.sha256((root / p).read_bytes()).hexdigest() for p in pictures.paths)
    today = dt.datetime.now(dt.UTC).date()
    path = ROOT / "operating_points/open/face_match.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    body: dict[str, Any] = {
        "check": "face_match",
        "threshold": threshold,
        "reject_below": min(reject_below, threshold),
        "check_digest": digest,
        "eval_set": "LFW folds 1-4, all pairs of 3,074 images",
        "eval_set_digest": hashlib.sha256("\n".join(files).encode()).hexdigest(),
        "target": "FMR 1e-3",
        "measured": float(f"{measured:.6g}"),
        "run_id": f"lfw-{today:%Y%m%d}-{digest[:8]}",
        "created_on": today,
        "status": "enforced",
    }
    lines = [f"{key} = {_toml(value)}" for key, value in body.items()]
    missed = error_rates.fnmr(mated, threshold)
    refused = error_rates.fnmr(mated, body["reject_below"])
    told_apart = 1 - error_rates.fmr(nonmated, body["reject_below"])
    notes = [
        "# Written by `python scripts/bench/lfw.py --write-point`.",
        f"# FNMR {missed:.4f} at the threshold; the interval is a bootstrap over people.",
        f"# Below `reject_below` lie {refused:.4f} of mated and {told_apart:.4f} of non-mated pairs.",
    ]
    ends = f"\n[interval]\nlow = {interval.low:.6g}\nhigh = {interval.high:.6g}\nconfidence = 0.95\n"
    path.write_text("\n".join([*notes, *lines]) + "\n" + ends)
    print(f"wrote {path.relative_to(ROOT)}: threshold {threshold}, FMR {measured:.6f}, check digest {digest}")


def _resampled_fmr(subjects: NDArray[np.str_], scores: Matrix, threshold: float) -> Interval:
    """Percentile bootstrap over people, 1,000 times: pairs that share a face are not independent."""
    _, people = np.unique(subjects, return_inverse=True)
    different = people[:, None] != people[None]
    matches = (scores >= threshold) & different
    rows, columns = np.nonzero(np.triu(matches, 1))
    counts = np.bincount(people).astype(np.float64)
    rng, rates = np.random.default_rng(0), []
    for _ in range(1000):
        drawn = np.bincount(rng.integers(0, len(counts), len(counts)), minlength=len(counts)).astype(
            np.float64
        )
        weights = drawn[people]
        pairs = ((drawn @ counts) ** 2 - np.sum((drawn * counts) ** 2)) / 2
        rates.append(float(weights[rows] @ weights[columns] / pairs))
    low, high = np.quantile(rates, (0.025, 0.975))
    return Interval(float(low), float(high))


def _calibration_toml(
    weights: dict[str, float],
    *,
    discount: float,
    offset: float,
    population_file: Path,
    counts: tuple[int, int],
    pipeline: str,
) -> str:
    today = dt.datetime.now(dt.UTC).date()
    digest = hashlib.sha256(population_file.read_bytes()).hexdigest()
    return f"""\
# llr = offset + sum of weights x cosines - discount x mean commonness of the two faces (natural logarithm).
# Written by `python scripts/bench/lfw.py --fit`.
offset = {offset:.6f}

[weights]
{chr(10).join(f"{name} = {weight:.6f}" for name, weight in weights.items())}

[population]
model = "{POPULATION_MODEL}"
file = "{population_file.name}"
sha256 = "{digest}"
nearest = {NEAREST}
discount = {discount:.6f}

[pedigree]
made_on = {today}
pipeline_digest = "{pipeline}"
method = "logistic regression at a prior of {PRIOR:g} over all pairs"
fitted_on = "LFW folds {" and ".join(map(str, FITTED_ON))}: {counts[0]} mated and {counts[1]} non-mated pairs"
population_method = "spherical k-means, {PROTOTYPES} clusters: means of like faces, no template of a person"
population_from = "generated_faces: 400 FFHQ photographs (CC BY-NC-SA), 400 StyleGAN faces (CC BY-NC)"
commercial_use = "no"
"""


def _toml(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return value.isoformat() if isinstance(value, dt.date) else repr(value)


if __name__ == "__main__":
    main()
