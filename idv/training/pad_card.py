"""Writes what stands beside the trained PAD network: its card and its calibration, with measurements."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from idv.metrics.calibration import LlrModel, cllr
from idv.training.pad_figures import Figures, Scores, apcer, bpcer, measured
from idv.training.pad_fitting import Schedules
from idv.vision.models.pad import CONTEXT_PX, DETAIL_PX, NATIVE_PX

TABLES = {
    "captured": "captured: NUAA, the tested subjects left out of training (3 folds of 3 subjects)",
    "captured_elsewhere": "captured_elsewhere: NUAA before any of it was trained on (simulations \
alone): what to expect of a camera that training never met",
    "test": "test: simulated from photographs of people not used in training",
    "test_held_out": "test_held_out: simulated likewise, with layouts and printers that no training saw",
    "test_fine": "test_fine: simulated likewise, on displays whose pixels are too fine for the camera",
}
"""What each table of figures was measured on."""
PHOTOGRAPHS = "photographs: the photographs behind test as they are, unsimulated (LFW and FFHQ)"
"""Bona fide only: what real cameras made, whose pictures no training saw."""

_CARD = """schema = 1
name = "pad"
task = "presentation_attack_detection"
summary = "Own passive PAD network: one frame, cuts of the face at three scales, three logits."
origin = "Trained in this repository: python -m idv.training.pad (seed {seed}, {steps} steps on \
simulations, {tuning} with captures){duration}."
licence = "Apache-2.0"
commercial_use = "no"
licence_note = "The code and the weights are the project's own. The weights were made from research data: \
NUAA (academic research), LFW (no licence file) and FFHQ photographs (CC BY-NC-SA 4.0). Retrain on your \
own data for commercial use: python -m idv.training.pad."
sha256 = "{sha256}"
size = {size}
preprocessing = "idv.vision.models.pad.cut: the unit is the larger of eye distance and eyes-to-mouth \
distance. context: 4 units around the face, resized to {context} px. detail: {detail} px around the face \
in the picture's own pixels, reduced where a unit exceeds 64 px. native: a patch of {native} px on \
each cheek, never resized. RGB, value / 255. Logits are averaged over \
a cut and its mirror image, and over both patches."
weaknesses = [
  "Screens were simulated only; no real screen replay was available for training. Real ones will be \
missed more often than the figures below say.",
  "A display too fine for the lens (more than 1 display px a camera px) leaves only its light, glare and \
edges, and such a replay is missed more often: see test_fine below.",
  "Unseen sub-pixel layouts are missed more often than those of training: see test_held_out below.",
  "No bona fide photograph of training shows a face larger than 64 px a unit: in larger ones skin and hair \
are synthetic texture, and sharp selfies of many pixels score lower in native than those measured here.",
  "On captures of a source that no training met (captured_elsewhere) only context holds (AUC 0.95); \
detail and native are near or below chance there and pull the fusion down.",
  "Prints: one real collection (NUAA), one webcam, nine people of similar appearance.",
  "Bona fide faces are press and portrait photographs and nine people before a webcam; few phone selfies.",
  "Still photographs only: masks, cut-out prints, video and injected pictures were not considered.",
  "Heavy blur, noise or compression hides what tells an attack; such a picture scores near zero.",
]

[[input]]
name = "context"
shape = ["batch", 3, {context}, {context}]
dtype = "float32"
layout = "NCHW"
range = [0.0, 1.0]
meaning = "RGB, the head and what is around it"

[[input]]
name = "detail"
shape = ["batch", 3, {detail}, {detail}]
dtype = "float32"
layout = "NCHW"
range = [0.0, 1.0]
meaning = "RGB, the middle of the face in the picture's own pixels"

[[input]]
name = "native"
shape = ["batch", 3, {native}, {native}]
dtype = "float32"
layout = "NCHW"
range = [0.0, 1.0]
meaning = "RGB, a cheek in the picture's own pixels, never resized"

[[output]]
name = "logits"
shape = ["batch", 3]
dtype = "float32"
layout = "rows"
meaning = "Log-odds of a bona fide presentation from context, detail and native; uncalibrated"

[training]
data = "NUAA Photograph Imposter (253 bona fide, 306 print captures, subjects 1-9); screens and prints \
simulated from LFW, FFHQ and NUAA bona fide photographs (70 % of the people, one photograph each; \
idv.vision.synthesis.presentation)"
data_licence = "NUAA: academic research. LFW: none stated, research set. FFHQ: CC BY-NC-SA 4.0."
method = "Binary cross-entropy with label smoothing on each logit, AdamW, one cycle; half bona fide, \
half attacks."
{measurements}
[session]
intra_op_threads = 1
graph_optimisation = "all"
arena = true
flush_denormals = true
measurement = "The options of the other networks of the pack; with them a face took 3.5 ms of CPU (two rows, \
mean of 50 runs)."
"""

_MEASUREMENT = """
[[measurement]]
what = "{what}"
value = "{value}"
data = "{data}"
source = "scripts/bench/pad.py"
"""

_CALIBRATION = """# Written by `python -m idv.training.pad`.
check = "liveness"
context_weight = {context!r}
detail_weight = {detail!r}
native_weight = {native!r}
offset = {offset!r}

[pedigree]
model = "pad"
model_sha256 = "{sha256}"
method = "prior-weighted logistic regression of the three logits, natural logarithm"
data = "validation photographs (simulated presentations) and NUAA captures scored by networks that never \
saw them"
bona_fide = {bona_fide}
attacks = {attacks}
cllr_bits_on_test = {cllr:.4f}
"""


def write_card(path: Path, scores: Scores, *, model: Path, schedules: Schedules, duration: str = "") -> None:
    """Write the model's card with every measured figure; `duration`: how long the whole training took."""
    data = model.read_bytes()
    text = _CARD.format(
        seed=schedules.base.seed,
        steps=schedules.base.steps,
        tuning=schedules.tuning.steps,
        duration=f", {duration}" if duration else "",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        context=CONTEXT_PX,
        detail=DETAIL_PX,
        native=NATIVE_PX,
        measurements="".join(_measurements(scores)),
    )
    path.write_text(text, encoding="utf-8")


def write_calibration(path: Path, scores: Scores, *, model: Path) -> None:
    """Write the calibration with its pedigree; the cost is measured on the test table."""
    fitted = scores.calibrated()
    test = scores.tables["test"].genuine
    llr = fitted.llr(scores.logits["test"])
    development = [scores.tables[name].genuine for name in ("validation", "captured")]
    text = _CALIBRATION.format(
        context=fitted.weights[0],
        detail=fitted.weights[1],
        native=fitted.weights[2],
        offset=fitted.offset,
        sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
        bona_fide=sum(int(genuine.sum()) for genuine in development),
        attacks=sum(int((~genuine).sum()) for genuine in development),
        cllr=cllr(llr[test], llr[~test]),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _measurements(scores: Scores) -> Iterator[str]:
    fitted = scores.calibrated()
    for name, data in TABLES.items():
        for species, found in measured(scores, name, fitted.llr(scores.logits[name])).items():
            yield from _rows(species, found, data)
    yield from _at_threshold(scores, fitted)


def _at_threshold(scores: Scores, fitted: LlrModel) -> Iterator[str]:
    """Errors where the operating point cuts, which development data alone have chosen."""
    cut = scores.cut(fitted.llr)
    for name, data in {**TABLES, "photographs": PHOTOGRAPHS}.items():
        llr, genuine = fitted.llr(scores.logits[name]), scores.tables[name].genuine
        refused = bpcer(llr[genuine], cut.threshold)
        yield _MEASUREMENT.format(what="BPCER at the threshold", value=refused, data=data)
        for species, rows in scores.slices(name):
            passed = apcer(llr[rows & ~genuine], cut.threshold)
            yield _MEASUREMENT.format(what=f"APCER of {species} at the threshold", value=passed, data=data)


def _rows(species: str, found: Figures, data: str) -> Iterator[str]:
    size = f"{data}; {found.bpcer_at_5.trials} bona fide, {found.attacks} attacks"
    values = {
        f"AUC against {species}": f"{found.auc:.4f} (sharpness alone {found.sharpness_auc:.3f})",
        f"BPCER where APCER of {species} is 5 %": str(found.bpcer_at_5),
        f"BPCER where APCER of {species} is 1 %": str(found.bpcer_at_1),
    }
    for what, value in values.items():
        yield _MEASUREMENT.format(what=what, value=value, data=size)
