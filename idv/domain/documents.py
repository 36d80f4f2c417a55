"""What perception sees of a document and what was read from it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.reasons import Reason


class FieldName(StrEnum):
    """Data elements of a travel or identity document (ICAO Doc 9303)."""

    DOCUMENT_CODE = "document_code"
    ISSUING_STATE = "issuing_state"
    DOCUMENT_NUMBER = "document_number"
    SURNAME = "surname"
    GIVEN_NAMES = "given_names"
    NATIONALITY = "nationality"
    DATE_OF_BIRTH = "date_of_birth"
    SEX = "sex"
    DATE_OF_EXPIRY = "date_of_expiry"
    DATE_OF_ISSUE = "date_of_issue"
    PERSONAL_NUMBER = "personal_number"
    OPTIONAL_DATA = "optional_data"
    ADDRESS = "address"


class Zone(StrEnum):
    """Where on the document something stands: visual inspection zone, machine-readable zone, barcode."""

    VIZ = "viz"
    MRZ = "mrz"
    BARCODE = "barcode"


class MrzFormat(StrEnum):
    """The five layouts of ICAO Doc 9303: rows × characters."""

    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"
    MRV_A = "MRV-A"
    MRV_B = "MRV-B"


class DigitState(StrEnum):
    """A check digit as computed against what is printed; `not_printed` where the layout allows a filler."""

    VERIFIED = "verified"
    REFUTED = "refuted"
    NOT_PRINTED = "not_printed"


class TextLine(NamedTuple):
    """One recognised line: corners (4, 2) float32 px in the rectified image, confidence in [0, 1]."""

    text: str
    confidence: float
    corners: FloatArray

    def __repr__(self) -> str:
        """Length only: the text is personal data."""
        return f"TextLine(<{len(self.text)} characters>, confidence={self.confidence:.2f})"


@dataclass(frozen=True)
class DocumentView:
    """A document found in an image and laid flat.

    `corners`: (4, 2) float32 px in the decoded image, clockwise from the document's top left.
    `rectified`: (H, W, 3) uint8 RGB, upright. `portrait_box`: left, top, width, height px in `rectified`.
    `reasons` name what is wrong with the capture, `confidence` in [0, 1] that it is a document at all.
    """

    corners: FloatArray
    rectified: RgbImage = field(repr=False)
    confidence: float
    portrait_box: tuple[float, float, float, float] | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class MrzReading:
    """A machine-readable zone as it stands after proven repairs.

    `lines`: the rows as printed. `digits`: name of the checked element -> state ("composite" included).
    `repairs`: how many characters were changed; each change is proven by a check digit.
    """

    format: MrzFormat
    lines: tuple[str, ...] = field(repr=False)
    fields: Mapping[FieldName, str] = field(repr=False)
    digits: Mapping[str, DigitState]
    repairs: int = 0

    @property
    def valid(self) -> bool:
        """No check digit is refuted and at least one is verified."""
        states = set(self.digits.values())
        return DigitState.REFUTED not in states and DigitState.VERIFIED in states


@dataclass(frozen=True)
class FieldReading:
    """One value as read in one zone, normalised (dates as ISO 8601); personal data, never shown in a repr."""

    name: FieldName
    value: str = field(repr=False)
    zone: Zone
    confidence: float


@dataclass(frozen=True)
class DocumentReading:
    """Everything read from one side of a document, or why not.

    `document_type`: identifier of the recognised type, `None` when unknown.
    """

    document_type: str | None = None
    mrz: MrzReading | None = None
    fields: tuple[FieldReading, ...] = ()
    barcodes: tuple[bytes, ...] = field(default=(), repr=False)
    reasons: tuple[Reason, ...] = ()
    read_on: dt.date | None = None

    def value(self, name: FieldName, zone: Zone) -> str | None:
        """The value read for a field in a zone, or None."""
        return next((f.value for f in self.fields if f.name is name and f.zone is zone), None)


class TamperingMap(NamedTuple):
    """Traces of alteration on one side, laid flat.

    `logit`: log-odds that nothing was altered, uncalibrated, higher = more genuine. `heat`: (h, w) float32 in
    [0, 1], how likely each place is to be altered, over the whole rectified side.
    """

    logit: float
    heat: FloatArray
