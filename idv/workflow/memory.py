"""Turns what perception saw into private bytes for the vault and back: no pickle, fixed shapes."""

import dataclasses
import datetime as dt
import io
import json
from collections.abc import Mapping

import numpy as np

from idv.domain.documents import (
    DigitState,
    DocumentReading,
    FieldName,
    FieldReading,
    MrzFormat,
    MrzReading,
    Zone,
)
from idv.domain.evidence import ClaimedIdentity, ImageRole
from idv.domain.faces import FaceTemplate
from idv.domain.reasons import Reason
from idv.domain.stores import Remembered

_TEMPLATE = "template."
_READING = "reading."
_CLAIMED = "claimed"


def to_private(remembered: Remembered) -> dict[str, bytes]:
    """Kind -> bytes, one entry a template and a reading, and one for the claim."""
    blobs = {f"{_TEMPLATE}{role}": _template_bytes(t) for role, t in remembered.templates.items()}
    blobs |= {f"{_READING}{role}": _reading_bytes(r) for role, r in remembered.readings.items()}
    if remembered.claimed is not None:
        blobs[_CLAIMED] = json.dumps(dataclasses.asdict(remembered.claimed), default=str).encode()
    return blobs


def from_private(blobs: Mapping[str, bytes]) -> Remembered:
    """The inverse of `to_private`; other kinds (kept images) are passed over."""
    return Remembered(
        templates={ImageRole(k.removeprefix(_TEMPLATE)): _template(b) for k, b in _under(blobs, _TEMPLATE)},
        readings={ImageRole(k.removeprefix(_READING)): _reading(b) for k, b in _under(blobs, _READING)},
        claimed=_claim(blobs[_CLAIMED]) if _CLAIMED in blobs else None,
    )


def _under(blobs: Mapping[str, bytes], prefix: str) -> list[tuple[str, bytes]]:
    return [(kind, blob) for kind, blob in blobs.items() if kind.startswith(prefix)]


def _claim(blob: bytes) -> ClaimedIdentity:
    body = json.loads(blob)
    born = body.pop("date_of_birth")
    return ClaimedIdentity(**body, date_of_birth=dt.date.fromisoformat(born) if born else None)


def _template_bytes(template: FaceTemplate) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: vector for name, vector in template.vectors})  # noqa: C416
    return buffer.getvalue()


def _template(blob: bytes) -> FaceTemplate:
    with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
        return FaceTemplate(tuple((name, arrays[name].astype(np.float32)) for name in arrays.files))


def _reading_bytes(reading: DocumentReading) -> bytes:
    mrz = reading.mrz
    body = {
        "document_type": reading.document_type,
        "fields": [[f.name, f.value, f.zone, f.confidence] for f in reading.fields],
        "barcodes": [payload.hex() for payload in reading.barcodes],
        "reasons": list(reading.reasons),
        "mrz": mrz
        and {
            "format": mrz.format,
            "lines": list(mrz.lines),
            "fields": dict(mrz.fields),
            "digits": dict(mrz.digits),
            "repairs": mrz.repairs,
        },
    }
    return json.dumps(body).encode()


def _reading(blob: bytes) -> DocumentReading:
    body = json.loads(blob)
    mrz = body["mrz"]
    return DocumentReading(
        document_type=body["document_type"],
        fields=tuple(
            FieldReading(FieldName(name), value, Zone(zone), confidence)
            for name, value, zone, confidence in body["fields"]
        ),
        barcodes=tuple(bytes.fromhex(payload) for payload in body["barcodes"]),
        reasons=tuple(Reason(code) for code in body["reasons"]),
        mrz=mrz
        and MrzReading(
            format=MrzFormat(mrz["format"]),
            lines=tuple(mrz["lines"]),
            fields={FieldName(name): value for name, value in mrz["fields"].items()},
            digits={name: DigitState(state) for name, state in mrz["digits"].items()},
            repairs=mrz["repairs"],
        ),
    )
