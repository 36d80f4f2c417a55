"""Payloads of barcodes on documents: AAMVA licences and ID cards, rows of an MRZ; all else is opaque text.

AAMVA DL/ID Card Design Standard, annex D: a header `@`, LF, RS, CR, `ANSI `, an issuer number, then subfiles
of three-letter element identifiers, each with its value up to the end of the line. Payloads are hostile:
sizes are bounded first, and every failure is a `BarcodeError` that does not repeat the payload.
"""

import datetime as dt
import re
from collections.abc import Mapping

from idv.documents.check_digits import in_alphabet
from idv.documents.mrz import parse
from idv.documents.mrz_layouts import layout_of
from idv.domain.documents import FieldName, FieldReading, MrzReading, Zone

MAXIMUM_BYTES = 4096
_MAXIMUM_ELEMENTS = 200
_MAXIMUM_VALUE = 200
_HEADER = re.compile(rb"@[\n\r\x1c-\x1e]{1,4}(?:ANSI |AAMVA)(\d{6})(\d{2})")
_ELEMENT = re.compile(r"(?:\A|[\n\r\x1e])(?:DL|ID)?([DZ][A-Z]{2})([^\n\r\x1e]*)")
_NOT_STATED = frozenset({"", "NONE", "UNAVL", "UNAVAIL", "N/A", "NONE "})
_SEXES = {"1": "M", "2": "F", "9": "X", "M": "M", "F": "F", "X": "X"}
_TEXT_ELEMENTS = {
    FieldName.DOCUMENT_NUMBER: "DAQ",
    FieldName.SURNAME: "DCS",
    FieldName.ISSUING_STATE: "DCG",
}
_DATE_ELEMENTS = {
    FieldName.DATE_OF_BIRTH: "DBB",
    FieldName.DATE_OF_EXPIRY: "DBA",
    FieldName.DATE_OF_ISSUE: "DBD",
}


class BarcodeError(ValueError):
    """A payload that is no AAMVA document; the message never contains it."""


def parse_aamva(payload: bytes) -> tuple[FieldReading, ...]:
    """The fields of an AAMVA payload, dates as ISO 8601; what is absent or malformed is left out.

    Raises BarcodeError when the payload is too long or is no AAMVA document, and nothing else.
    """
    if len(payload) > MAXIMUM_BYTES:
        msg = f"payload of {len(payload)} bytes; at most {MAXIMUM_BYTES} are read"
        raise BarcodeError(msg)
    header = _HEADER.match(payload.lstrip())
    if header is None:
        msg = "no AAMVA header"
        raise BarcodeError(msg)
    elements = _elements(payload.lstrip()[header.end() :].decode("latin-1"))
    if not elements:
        msg = "no data elements after the AAMVA header"
        raise BarcodeError(msg)
    return tuple(
        FieldReading(name=name, value=value, zone=Zone.BARCODE, confidence=1.0)
        for name, value in _fields(elements).items()
        if value
    )


def read_payload(payload: bytes) -> tuple[FieldReading, ...]:
    """Fields of a payload of any kind; none when it is not one whose fields are known."""
    try:
        return parse_aamva(payload)
    except BarcodeError:
        return ()


def parse_rows(payload: bytes, *, today: dt.date) -> MrzReading | None:
    """The machine-readable zone that a payload repeats, row by row; None when it holds anything else."""
    try:
        rows = payload[:MAXIMUM_BYTES].decode("ascii").split()
    except UnicodeDecodeError:
        return None
    return parse(rows, today=today) if layout_of(rows) and in_alphabet(rows) else None


def opaque_text(payload: bytes) -> str:
    """A payload of unknown meaning as text: bounded, undecodable bytes replaced, control characters gone."""
    text = payload[:MAXIMUM_BYTES].decode("utf-8", errors="replace")
    return "".join(character for character in text if character.isprintable() or character == "\n")


def _elements(body: str) -> dict[str, str]:
    """Element identifier -> stated value, the first of each."""
    found: dict[str, str] = {}
    # Subfile types and designators (`DL00410278...DLDAQ...`) precede the first element on its line.
    start = re.search(r"(?:DL|ID)(?=D[A-Z]{2})", body)
    for index, match in enumerate(_ELEMENT.finditer(body[start.start() :] if start else body)):
        if index >= _MAXIMUM_ELEMENTS:
            break
        value = match[2].strip()[:_MAXIMUM_VALUE]
        if value.upper() not in _NOT_STATED:
            found.setdefault(match[1], value)
    return found


def _fields(elements: Mapping[str, str]) -> dict[FieldName, str]:
    fields = {name: elements.get(code, "").upper() for name, code in _TEXT_ELEMENTS.items()}
    american = elements.get("DCG", "USA").upper() != "CAN"
    for name, code in _DATE_ELEMENTS.items():
        fields[name] = _date(elements.get(code, ""), month_first=american)
    fields[FieldName.SEX] = _SEXES.get(elements.get("DBC", "").upper(), "")
    fields[FieldName.GIVEN_NAMES] = _given_names(elements)
    fields[FieldName.ADDRESS] = ", ".join(
        elements[code] for code in ("DAG", "DAI", "DAJ") if code in elements
    )
    if "DAA" in elements and not fields[FieldName.SURNAME]:
        surname, _, given = elements["DAA"].upper().partition(",")
        fields[FieldName.SURNAME] = surname.strip()
        fields[FieldName.GIVEN_NAMES] = _spaced(given)
    return fields


def _given_names(elements: Mapping[str, str]) -> str:
    """First and middle names; `DCT` is what older cards have in place of `DAC` and `DAD`."""
    first = elements.get("DAC", elements.get("DCT", ""))
    return _spaced(f"{first} {elements.get('DAD', '')}".upper())


def _spaced(text: str) -> str:
    return " ".join(text.replace(",", " ").split())


def _date(text: str, *, month_first: bool) -> str:
    """ISO 8601 of MMDDCCYY (United States) or CCYYMMDD (Canada); "" when it is neither."""
    if not re.fullmatch(r"[0-9]{8}", text):
        return ""
    year, month, day = (text[4:], text[:2], text[2:4]) if month_first else (text[:4], text[4:6], text[6:])
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""
