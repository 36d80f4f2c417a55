"""Model cards: what a network takes and gives, where it comes from, how well it works, how it is run."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from idv.domain.errors import ModelError
from idv.domain.models import SessionOptions
from idv.packs.lock import NAME, SHA256, CommercialUse
from idv.packs.tables import Table, TableFaults, read_toml

SCHEMA = 1
CARD_NAME = "card.toml"


class Task(StrEnum):
    """What a network is for."""

    FACE_DETECTION = "face_detection"
    FACE_LANDMARKS = "face_landmarks"
    FACE_EMBEDDING = "face_embedding"
    TEXT_DETECTION = "text_detection"
    TEXT_RECOGNITION = "text_recognition"
    TEXT_ORIENTATION = "text_orientation"
    PRESENTATION_ATTACK_DETECTION = "presentation_attack_detection"
    DOCUMENT_AUTHENTICITY = "document_authenticity"
    DEEPFAKE_DETECTION = "deepfake_detection"
    OTHER = "other"


class Layout(StrEnum):
    """What the axes of a tensor are; `rows` is one row of values a sample, in any shape."""

    NCHW = "NCHW"
    NHWC = "NHWC"
    ROWS = "rows"


class Dtype(StrEnum):
    """Element types that models take and give."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    UINT8 = "uint8"
    INT64 = "int64"


@dataclass(frozen=True)
class TensorCard:
    """One input or output.

    `shape`: a name stands for a dynamic dimension. `range`: smallest and largest value, empty where there
    is no bound. `meaning`: what the values are, with units.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: Dtype
    layout: Layout
    meaning: str
    range: tuple[float, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """A measured error or cost: `value` is text, so that it can carry an interval and a condition."""

    what: str
    value: str
    data: str
    source: str


@dataclass(frozen=True)
class Training:
    """What the weights were made from; "unknown" is an answer, silence is not."""

    data: str
    data_licence: str
    method: str


@dataclass(frozen=True)
class ModelCard:
    """One model's card. `sha256` and `size` are of its ONNX; empty for files brought by the user.

    `preprocessing`: how pixels become the input. `session_measurement`: what chose the session's options.
    """

    name: str
    task: Task
    summary: str
    origin: str
    licence: str
    commercial_use: CommercialUse
    licence_note: str
    sha256: str
    size: int
    preprocessing: str
    inputs: tuple[TensorCard, ...]
    outputs: tuple[TensorCard, ...]
    training: Training
    measurements: tuple[Measurement, ...]
    weaknesses: tuple[str, ...]
    session: SessionOptions
    session_measurement: str


def card_path(repository: Path, model: str) -> Path:
    """Where a model's card stands."""
    return repository / model / CARD_NAME


def read_card(path: Path) -> ModelCard:
    """A card. Raises ModelError `model_card_missing`, or `model_card_invalid` with every fault."""
    if not path.is_file():
        raise ModelError("model_card_missing", f"there is no card at {path}")
    faults = TableFaults()
    card = _card(read_toml(path, code="model_card_invalid", faults=faults))
    faults.raise_any("model_card_invalid", f"card of {card.name or path.parent.name}")
    return card


def _card(table: Table) -> ModelCard:
    if table.integer("schema") != SCHEMA:
        table.fault(f"schema must be {SCHEMA}")
    session, session_measurement = _session(table.table("session"))
    card = ModelCard(
        name=table.text("name"),
        task=table.choice("task", Task),
        summary=table.text("summary"),
        origin=table.text("origin"),
        licence=table.text("licence"),
        commercial_use=table.choice("commercial_use", CommercialUse),
        licence_note=table.text("licence_note", default=""),
        sha256=table.text("sha256", default=""),
        size=table.integer("size", default=0),
        preprocessing=table.text("preprocessing"),
        inputs=tuple(_tensor(item) for item in table.tables("input")),
        outputs=tuple(_tensor(item) for item in table.tables("output")),
        training=_training(table.table("training")),
        measurements=tuple(_measurement(item) for item in table.tables("measurement")),
        weaknesses=table.texts("weaknesses"),
        session=session,
        session_measurement=session_measurement,
    )
    table.done()
    _check(table, card)
    return card


def _check(table: Table, card: ModelCard) -> None:
    if not NAME.fullmatch(card.name):
        table.fault(f"name {card.name!r} must be lower-case letters, digits, - and _")
    if card.sha256 and not SHA256.fullmatch(card.sha256):
        table.fault("sha256 must be 64 lower-case hexadecimal digits")
    for what, tensors in (("input", card.inputs), ("output", card.outputs)):
        if not tensors:
            table.fault(f"there is no {what}")


def _tensor(table: Table) -> TensorCard:
    tensor = TensorCard(
        name=table.text("name"),
        shape=table.shape("shape"),
        dtype=table.choice("dtype", Dtype),
        layout=table.choice("layout", Layout),
        meaning=table.text("meaning"),
        range=table.numbers("range", default=()),
    )
    table.done()
    if tensor.range and (len(tensor.range) != 2 or tensor.range[0] >= tensor.range[1]):  # noqa: PLR2004 - a pair
        table.fault("range must be the smallest and the largest value")
    return tensor


def _training(table: Table | None) -> Training:
    if table is None:
        return Training("", "", "")
    training = Training(
        data=table.text("data"), data_licence=table.text("data_licence"), method=table.text("method")
    )
    table.done()
    return training


def _measurement(table: Table) -> Measurement:
    measurement = Measurement(
        what=table.text("what"),
        value=table.text("value"),
        data=table.text("data"),
        source=table.text("source"),
    )
    table.done()
    return measurement


def _session(table: Table | None) -> tuple[SessionOptions, str]:
    if table is None:
        return SessionOptions(), ""
    options = SessionOptions(
        intra_op_threads=table.integer("intra_op_threads"),
        graph_optimisation=table.text("graph_optimisation"),
        arena=table.flag("arena"),
        flush_denormals=table.flag("flush_denormals"),
    )
    measurement = table.text("measurement")
    table.done()
    return options, measurement
