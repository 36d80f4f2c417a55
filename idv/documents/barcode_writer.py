"""Writes AAMVA payloads: the inverse of `barcodes.parse_aamva`, for the documents the project draws."""

import datetime as dt
from dataclasses import dataclass, field

_SEXES = {"M": "1", "F": "2", "X": "9"}
_ISSUER = "636999"
"""An issuer identification number that no jurisdiction has."""


@dataclass(frozen=True)
class AamvaRecord:
    """What the subfile of a card states; personal data, so not in a repr."""

    document_number: str = field(repr=False)
    surname: str = field(repr=False)
    given_names: str = field(repr=False)
    sex: str
    date_of_birth: dt.date = field(repr=False)
    date_of_issue: dt.date = field(repr=False)
    date_of_expiry: dt.date = field(repr=False)
    issuing_state: str = "USA"
    address: str = field(default="", repr=False)


def aamva_payload(record: AamvaRecord) -> bytes:
    """The payload of version 08 with one subfile `DL`; characters outside Latin-1 become `?`."""
    elements = {
        "DAQ": record.document_number,
        "DCS": record.surname,
        "DAC": record.given_names,
        "DBC": _SEXES.get(record.sex, "9"),
        "DBB": record.date_of_birth.strftime("%m%d%Y"),
        "DBA": record.date_of_expiry.strftime("%m%d%Y"),
        "DBD": record.date_of_issue.strftime("%m%d%Y"),
        "DCG": record.issuing_state,
        "DAG": record.address,
    }
    body = "DL" + "\n".join(f"{code}{value}" for code, value in elements.items() if value) + "\r"
    data = body.encode("latin-1", errors="replace")
    header = f"@\n\x1e\rANSI {_ISSUER}080001"
    offset = len(header) + len("DL00000000")
    return f"{header}DL{offset:04d}{len(data):04d}".encode("ascii") + data
