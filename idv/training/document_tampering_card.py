"""Writes what stands beside the trained tampering network: its card, with every measured figure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from idv.training.document_tampering_figures import Figures
from idv.training.document_tampering_fitting import Schedule

SOURCES = {
    "first": "cases 8 and 9 of ten, kept out of training: other holders, two known designs that were not \
trained on (designs take turns by ten); the first forger, encoders of training",
    "second": "other holders, the second forger (never trained on), WebP and progressive JPEG (never trained \
on), known designs; drawn with drawn and photographed portraits",
}
"""What each group of figures was measured on."""

_CARD = """schema = 1
name = "document_tampering"
task = "document_authenticity"
summary = "Own tampering network: one photographed side at its own pixels, where and whether it was edited."
origin = "Trained in this repository: python -m idv.training.document_tampering (seed {seed}, {steps} steps \
of {batch} sides from {cases} cases, {duration})."
licence = "Apache-2.0"
commercial_use = "no"
licence_note = "The code and the weights are the project's own. The portraits on the drawn documents it was \
trained on are FFHQ photographs (CC BY-NC-SA 4.0) and LFW (no licence file). Retrain on your own data for \
commercial use: python -m idv.training.document_tampering."
sha256 = "{sha256}"
size = {size}
preprocessing = "idv.vision.models.document_tampering.framed: the document's bounding box, widened to \
cells of 16 px at the phase of the picture's JPEG blocks, in the picture's own pixels; a document longer \
than 1,600 px is reduced to that. RGB, value / 255. inside: 1 where a cell lies within the document \
and is not clipped. The \
first layers are fixed statistics (block cosines, noise, block and mosaic phase); only the judge of cells \
is learned."
weaknesses = [
  "Edits of pictures that were reduced, blurred or strongly compressed afterwards leave little to find.",
  "Where a picture is clipped to black or white nothing is compared, so a change there goes unseen.",
  "WebP smooths as it encodes: edits sent in it are missed more often than in JPEG.",
  "What is altered before a picture is taken (printed over, glued on) leaves the same traces as the rest: \
see portrait_printed_over below.",
  "The photographs and all edits were simulated; no pictures of forgeries found in practice were available.",
  "A document that was itself put together digitally before it was printed is not looked for.",
  "Photographs above 1,600 px a document are reduced, and lose traces by it.",
]

[[input]]
name = "image"
shape = ["batch", 3, "height", "width"]
dtype = "float32"
layout = "NCHW"
range = [0.0, 1.0]
meaning = "RGB, the document's bounding box; height and width multiples of 16"

[[input]]
name = "inside"
shape = ["batch", 1, "cells_high", "cells_wide"]
dtype = "float32"
layout = "NCHW"
range = [0.0, 1.0]
meaning = "1 where a cell of 16 px lies within the document and is not clipped, otherwise 0"

[[output]]
name = "logit"
shape = ["batch", 1]
dtype = "float32"
layout = "rows"
meaning = "Log-odds that nothing was altered; uncalibrated"

[[output]]
name = "cells"
shape = ["batch", 1, "cells_high", "cells_wide"]
dtype = "float32"
layout = "NCHW"
meaning = "Log-odds that each cell was altered; uncalibrated, altered cells weighted up in training"

[training]
data = "Drawn documents of the known designs, photographed and scanned in simulation, edited by the first \
forger (idv.training.document_corpus), and \
edits of no particular forger (idv.training.document_tampering_edits)"
data_licence = "Portraits: FFHQ CC BY-NC-SA 4.0, LFW none stated. All else is drawn by this project."
method = "Binary cross-entropy of cells and of the whole side, AdamW, one cycle; half genuine, half altered."
{measurements}
[session]
intra_op_threads = 1
graph_optimisation = "all"
arena = true
flush_denormals = true
measurement = "The options of the other networks of the pack; not measured apart."
"""

_MEASUREMENT = """
[[measurement]]
what = "{what}"
value = "{value}"
data = "{data}"
source = "python -m idv.training.document_tampering"
"""


def write_card(
    path: Path,
    found: Mapping[str, Sequence[Figures]],
    *,
    model: Path,
    schedule: Schedule,
    cases: int,
    duration: str,
) -> None:
    """Write the model's card; `found`: figures by the name of their source in `SOURCES`."""
    data = model.read_bytes()
    text = _CARD.format(
        seed=schedule.seed,
        steps=schedule.steps,
        batch=schedule.batch,
        cases=cases,
        duration=duration,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        measurements="".join(part for name, rows in found.items() for part in _rows(rows, SOURCES[name])),
    )
    path.write_text(text, encoding="utf-8")


def _rows(rows: Sequence[Figures], source: str) -> Iterator[str]:
    for row in rows:
        data = f"{source}; {row.genuine} genuine, {row.forged} forged"
        low, high = row.auc_interval.low, row.auc_interval.high
        yield _MEASUREMENT.format(
            what=f"AUC against {row.species}",
            value=f"{row.auc:.3f} [{low:.3f}, {high:.3f}] (noise alone {row.noise_auc:.3f}, dead zone alone \
{row.blocks_auc:.3f})",
            data=data,
        )
        low, high = 100 * row.missed_interval.low, 100 * row.missed_interval.high
        yield _MEASUREMENT.format(
            what=f"Missed of {row.species} where 5 % of the genuine are refused",
            value=f"{100 * row.missed:.0f} % [{low:.0f}, {high:.0f}]; hottest place altered in \
{100 * row.pointed:.0f} %",
            data=data,
        )
