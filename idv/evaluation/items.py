"""Lists of items to score: a CSV whose columns are named after a check's inputs."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from idv.domain.errors import RequestError
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName

Row = Mapping[str, str]

_DOCUMENT = ({"path": ImageRole.DOCUMENT_FRONT}, {"document": ImageRole.DOCUMENT_FRONT})
_SELFIE = ({"path": ImageRole.SELFIE}, {"selfie": ImageRole.SELFIE})
LAYOUTS: Mapping[CheckName, Sequence[Mapping[str, ImageRole]]] = {
    CheckName.FACE_MATCH: (
        {"path_a": ImageRole.REFERENCE, "path_b": ImageRole.PROBE},
        {"document": ImageRole.DOCUMENT_FRONT, "selfie": ImageRole.SELFIE},
    ),
    CheckName.LIVENESS: _SELFIE,
    CheckName.DOCUMENT_READING: _DOCUMENT,
    CheckName.DOCUMENT_AUTHENTICITY: (
        {"document_front": ImageRole.DOCUMENT_FRONT, "document_back": ImageRole.DOCUMENT_BACK},
        *_DOCUMENT,
    ),
}
"""Check -> the column layouts it understands, first match wins: column -> the image's role."""


@dataclass(frozen=True)
class ItemList:
    """Rows in their order; `inputs` says which columns are images and what part they play."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    inputs: Mapping[str, ImageRole]
    digest: str


def read_items(path: Path, check: CheckName) -> ItemList:
    """Read a list. Raises RequestError `items_unreadable`, `items_columns` or `check_not_scorable`."""
    try:
        data = path.read_bytes()
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        rows = tuple(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise RequestError("items_unreadable", f"{path}: {why}", field="items") from error
    columns = tuple(reader.fieldnames or ())
    inputs = _inputs(check, columns)
    if any(None in row or None in row.values() for row in rows):
        raise RequestError(
            "items_columns", f"{path}: a row has more or fewer cells than the header", field="items"
        )
    return ItemList(columns, rows, inputs, hashlib.sha256(data).hexdigest())


def _inputs(check: CheckName, columns: tuple[str, ...]) -> Mapping[str, ImageRole]:
    layouts = LAYOUTS.get(check)
    if layouts is None:
        raise RequestError(
            "check_not_scorable", f"{check} cannot be scored from a list of images", field="check"
        )
    for layout in layouts:
        if set(layout) <= set(columns):
            return layout
    wanted = " or ".join(",".join(layout) for layout in layouts)
    raise RequestError("items_columns", f"{check} needs the columns {wanted}", field="items")
