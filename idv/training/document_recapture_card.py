"""Writes the card of the recapture network, with what was measured."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from idv.training.document_recapture_figures import REFUSED, Scored
from idv.training.document_recapture_fitting import Schedule
from idv.vision.models.document_recapture import LONGEST_PX, PATCH_PX, PLACES

TABLES = {
    "first": "first: holders held back, the forger, screens, printers and encoders of training",
    "second": "second: other holders; screens, printers, copier and composites of the second forger, WebP, \
progressive JPEG 4:2:2: none of them in training",
    "second_low": "second_low: the same shown small (300 to 900 px) and compressed (quality 40 to 80)",
}
"""What each table of figures was measured on."""

_CARD = """schema = 1
name = "document_recapture"
task = "document_authenticity"
summary = "Own network: does the document itself lie before the camera, or a screen, print, copy or drawing?"
origin = "Trained in this repository: python -m idv.training.document_recapture (seed {seed}, {steps} \
steps, {again} of a second cycle{duration})."
licence = "Apache-2.0"
commercial_use = "no"
licence_note = "The code and the weights are the project's own. The training documents show photographs of \
FFHQ (CC BY-NC-SA 4.0) and LFW (no licence file) as portraits. Retrain on your own data for commercial use: \
python -m idv.training.document_recapture."
sha256 = "{sha256}"
size = {size}
preprocessing = "idv.vision.models.document_recapture.cut: {patches} patches of {side} px at fixed places of \
the document, slices of the decoded picture; a document longer than {longest:.0f} px is reduced to it. RGB, \
value / 255. The outline as idv.vision.models.document_recapture.outline_of gives it."
weaknesses = [
  "Screens, printers, copies and cameras were simulated; no real recapture was available for training or \
measurement. Real ones will be missed more often than the figures below say.",
  "A display too fine for the lens leaves no grid, and a print on a photo printer hardly any dots: such \
recaptures are missed more often.",
  "Strong compression and small size hide what tells a recapture; the network was taught to say little then.",
  "Documents over {longest:.0f} px are reduced before they are judged, which takes the finest grids away.",
  "What was composed without a camera is told by little: print as dark as a drawing's in a photograph's \
perspective. Composites are missed most, and one cut to a rectangle passes for a scan.",
  "Genuine documents were drawn by this project: real guilloche, holograms and embossing are finer.",
]

[[input]]
name = "patches"
shape = ["batch", {patches}, 3, {side}, {side}]
dtype = "float32"
layout = "rows"
range = [0.0, 1.0]
meaning = "RGB patches of one side, places row by row from the document's top left"

[[input]]
name = "outline"
shape = ["batch", 2]
dtype = "float32"
layout = "rows"
range = [0.0, 1.0]
meaning = "Foreshortening and skew of the outline: log ratio of opposite edges, cosine of a corner"

[[output]]
name = "logit"
shape = ["batch", 1]
dtype = "float32"
layout = "rows"
meaning = "Log-odds that the document itself was captured; uncalibrated"

[training]
data = "{pictures} pictures of {cases} simulated cases, ten of the project's fictitious designs \
(idv.training.document_corpus): genuine photographs and scans; screens, prints, grey copies and composites \
of the first forger"
data_licence = "Portraits: FFHQ, CC BY-NC-SA 4.0; LFW, none stated, research set."
method = "Descriptions of patches first (binary cross-entropy with label smoothing on the document's and \
each patch's logit, AdamW, one cycle), then the judgement on whole documents on top of them; half genuine; \
half of the documents varied in size, blur, noise and JPEG."
{measurements}
[session]
intra_op_threads = 1
graph_optimisation = "all"
arena = true
flush_denormals = true
measurement = "The options of the other networks of the pack."
"""

_MEASUREMENT = """
[[measurement]]
what = "{what}"
value = "{value}"
data = "{data}"
source = "python -m idv.training.document_recapture"
"""


def write_card(
    path: Path,
    tables: Mapping[str, Scored],
    *,
    model: Path,
    schedule: Schedule,
    pictures: int,
    cases: int,
    duration: str = "",
) -> None:
    """Write the card; `tables` by the names of `TABLES`, of which `first` sets the threshold.

    `duration`: how long the training took, in words.
    """
    data = model.read_bytes()
    text = _CARD.format(
        seed=schedule.seed,
        steps=schedule.steps,
        again=schedule.again,
        duration=f", {duration}" if duration else "",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        patches=len(PLACES),
        side=PATCH_PX,
        longest=LONGEST_PX,
        pictures=pictures,
        cases=cases,
        measurements="".join(_measurements(tables)),
    )
    path.write_text(text, encoding="utf-8")


def _measurements(tables: Mapping[str, Scored]) -> Iterator[str]:
    threshold = tables["first"].threshold()
    at = f"where {100 * REFUSED:.0f} % of the genuine of first are refused"
    for name, scored in tables.items():
        data = (
            f"{TABLES[name]}; {int(scored.genuine.sum())} genuine, {int((~scored.genuine).sum())} recaptures"
        )
        for species, found in scored.figures(threshold).items():
            auc = f"{found.auc:.3f} (measures without a network {found.baseline_auc:.3f})"
            yield _MEASUREMENT.format(what=f"AUC against {species}", value=auc, data=data)
            yield _MEASUREMENT.format(what=f"{species} passed {at}", value=found.passed, data=data)
        for kind in ("photo", "scan"):
            refused = scored.refused(kind, threshold)
            yield _MEASUREMENT.format(what=f"genuine {kind} refused {at}", value=refused, data=data)
