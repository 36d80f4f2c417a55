"""Normalises what was read in the visual zone: labels to field names, text to values."""

import datetime as dt
import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from idv.documents.dates import MONTHS
from idv.documents.document_types import DocumentType
from idv.documents.mrz_alignment import looks_like_mrz_row
from idv.domain.documents import FieldName, FieldReading, TextLine, Zone

_LABELS: Mapping[FieldName, tuple[str, ...]] = {
    FieldName.SURNAME: (
        "surname", "nom", "name", "last name", "family name", "apellidos", "primer apellido", "nachname",
        "familienname",
    ),
    FieldName.GIVEN_NAMES: (
        "given names", "given name", "first name", "first names", "forenames", "prenom", "prenoms", "vorname",
        "vornamen", "nombre", "nombres",
    ),
    FieldName.NATIONALITY: ("nationality", "nationalite", "staatsangehorigkeit", "nacionalidad"),
    FieldName.DATE_OF_BIRTH: (
        "date of birth", "birth date", "dob", "date de naissance", "geburtsdatum", "geburtstag",
        "fecha de nacimiento", "ne le", "nee le",
    ),
    FieldName.SEX: ("sex", "sexe", "sexo", "geschlecht", "gender"),
    FieldName.DATE_OF_EXPIRY: (
        "date of expiry", "expiry date", "expires", "valid until", "date of expiration", "date d expiration",
        "valable jusqu au", "gultig bis", "fecha de caducidad", "valido hasta", "validez",
    ),
    FieldName.DATE_OF_ISSUE: (
        "date of issue", "issue date", "issued", "date de delivrance", "ausstellungsdatum", "ausstellungstag",
        "fecha de expedicion", "fecha de emision",
    ),
    FieldName.DOCUMENT_NUMBER: (
        "document no", "document number", "passport no", "passport number", "no du passeport",
        "no du document", "card no", "card number", "id no", "ausweisnummer", "dokumentennummer",
        "passnummer", "numero de documento", "num soport", "licence no", "license no",
    ),
    FieldName.PERSONAL_NUMBER: (
        "personal no", "personal number", "no personnel", "personennummer", "personalnummer",
        "numero personal", "national id",
    ),
    FieldName.ISSUING_STATE: ("code", "code of issuing state", "issuing state", "country code"),
    FieldName.DOCUMENT_CODE: ("type", "typ", "tipo"),
    FieldName.ADDRESS: ("address", "adresse", "anschrift", "domicilio", "direccion"),
}  # fmt: skip
_DATE_FIELDS = frozenset({FieldName.DATE_OF_BIRTH, FieldName.DATE_OF_EXPIRY, FieldName.DATE_OF_ISSUE})
_NAME_FIELDS = frozenset({FieldName.SURNAME, FieldName.GIVEN_NAMES})
_NUMBER_FIELDS = frozenset({FieldName.DOCUMENT_NUMBER, FieldName.PERSONAL_NUMBER})
_CODE_FIELDS = frozenset({FieldName.NATIONALITY, FieldName.ISSUING_STATE, FieldName.DOCUMENT_CODE})
_LIKE_A_LABEL = 84.0
_LEAST_LABEL = 5
_UNLIKE_ITS_TYPE = 0.5
_DIGITS_IN_A_LABEL = 2
"""So many may be misread letters; more are a value on the same line."""
_TO_DIGITS = str.maketrans("OQDILZSGB", "000112568")
_TO_LETTERS = str.maketrans("01258", "OIZSB")
_DIGIT = "[0-9OQDILZSGB]"
"""A digit or what an OCR takes it for."""
_ALONE, _END = r"(?<![0-9A-Z])", r"(?![0-9A-Z])"
# An OCR makes up a letter at the edge of a crop (`09 JUL 1959a`); one that no digit looks like is let pass.
_END_OF_YEAR = rf"(?!{_DIGIT})(?![0-9A-Z]{{2}})"
_NUMERIC = re.compile(
    rf"{_ALONE}({_DIGIT}{{1,4}})\s?[./\- ]\s?({_DIGIT}{{1,2}})\s?[./\- ]\s?({_DIGIT}{{2,4}}){_END}"
)
_NAMED = re.compile(
    rf"{_ALONE}({_DIGIT}{{1,2}})[\s./\-]*([A-Z01]{{3,10}})\.?(?:\s*/\s*[A-Z01]{{2,10}}\.?)?"
    rf"[\s./\-]*({_DIGIT}{{4}}|{_DIGIT}{{2}}){_END_OF_YEAR}"
)
_MONTH_STEMS = {
    **{name: number for number, name in enumerate(MONTHS, start=1)},
    "FEV": 2, "MAE": 3, "MRZ": 3, "AVR": 4, "ABR": 4, "MAI": 5, "AOU": 8, "AGO": 8, "OKT": 10, "DEZ": 12,
    "DIC": 12, "ENE": 1, "SET": 9,
}  # fmt: skip
_SEXES = {"M": "M", "F": "F", "X": "X", "W": "F", "H": "M", "D": "X"}
_LATEST_TWO_DIGIT_YEAR = 40
_DAYS_FIRST_LIMIT = 12


class _Box(NamedTuple):
    """The axis-parallel hull of a line, px."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


def fields_from_lines(
    lines: Sequence[TextLine], document_type: DocumentType | None = None
) -> tuple[FieldReading, ...]:
    """Fields found by their labels: a value after its label on one line, or else below or right of it.

    `lines`: recognised lines of the rectified side, any order. One reading a field, the most confident.
    """
    printed = [line for line in lines if line.text.strip() and not looks_like_mrz_row(line.text)]
    labels = _label_table(document_type)
    found: dict[FieldName, FieldReading] = {}
    for line in printed:
        name, rest = _label_of(line.text, labels)
        if name is None:
            continue
        value = line._replace(text=rest) if rest else _value_line(line, printed, labels)
        reading = value and field_from_text(
            name, value.text, confidence=value.confidence, document_type=document_type
        )
        if reading and (name not in found or reading.confidence > found[name].confidence):
            found[name] = reading
    return tuple(found.values())


def field_from_text(
    name: FieldName, text: str, *, confidence: float, document_type: DocumentType | None = None
) -> FieldReading | None:
    """One field from the text in its place; None when the text cannot be a value of that field.

    A number unlike those that its type prints, longer, shorter or with a digit for a letter, was cut, joined
    or misread, and is worth half.
    """
    value = normalised(name, text, date_format=document_type.date_format if document_type else None)
    if value is None or (document_type is not None and _is_label(text, document_type)):
        return None
    fits = document_type is None or fits_type(name, value, document_type)
    sure = confidence * (1.0 if fits else _UNLIKE_ITS_TYPE)
    return FieldReading(name=name, value=value, zone=Zone.VIZ, confidence=sure)


def fits_type(name: FieldName, value: str, document_type: DocumentType) -> bool:
    """Whether a number looks like those that the type prints; True for any other field."""
    mask = _mask(name, document_type)
    return mask is None or _fits(value, mask)


def normalised(name: FieldName, text: str, *, date_format: str | None = None) -> str | None:
    """The value as `FieldReading` states it: dates ISO 8601, names upper case, numbers without spaces."""
    plain = " ".join(unicodedata.normalize("NFC", text).upper().split())
    if name in _DATE_FIELDS:
        date = parse_printed_date(plain, pattern=date_format)
        return date.isoformat() if date else None
    if name is FieldName.SEX:
        return _sex(plain)
    if name in _NAME_FIELDS:
        return _name(plain)
    if name in _NUMBER_FIELDS and not _NUMERIC.fullmatch(plain):
        return re.sub(r"[^0-9A-Z]", "", _unaccented(plain)) or None
    if name in _CODE_FIELDS:
        return re.sub(r"[^A-Z ]", "", _unaccented(plain).translate(_TO_LETTERS)).strip() or None
    return None if name in _NUMBER_FIELDS else plain or None


def parse_printed_date(text: str, *, pattern: str | None = None) -> dt.date | None:
    """A date in text: numeric in the pattern's order (day first without one), or with a month's name.

    With a pattern, a day or year of fewer digits than it prints was cut off, and is no date.
    Month names in English, French, German and Spanish, also two of them (`12 AUG/AOÛT 1974`). A year of
    two digits up to 40 is of this century. None when there is none, or no such day.
    """
    plain = _unaccented(text.upper())
    named = _NAMED.search(plain)
    if named and not _cut_off(pattern, day=named[1], year=named[3]):
        month = _MONTH_STEMS.get(named[2].translate(_TO_LETTERS)[:3])
        if month is not None:
            return _date(_number(named[3]), month, _number(named[1]), digits=len(named[3]))
    numeric = _NUMERIC.search(plain)
    if numeric is None or _cut_off(pattern, day=numeric[1], year=numeric[3]):
        return None
    first, second, third = (_number(group) for group in numeric.groups())
    if len(numeric[1]) == len("YYYY"):
        return _date(first, second, third, digits=4)
    month_first = pattern is not None and pattern.startswith("MM/")
    day, month = (second, first) if month_first else (first, second)
    if month > _DAYS_FIRST_LIMIT >= day and pattern is None:
        day, month = month, day
    return _date(third, month, day, digits=len(numeric[3]))


def _cut_off(pattern: str | None, *, day: str, year: str) -> bool:
    """Whether the first or last group of a date that ends in its year is shorter than the pattern's."""
    if pattern is None or not pattern.startswith(("DD", "MM")):
        return False
    return len(day) < len("DD") or (pattern.endswith("YYYY") and len(year) < len("YYYY"))


def _number(text: str) -> int:
    return int(text.translate(_TO_DIGITS))


def _date(year: int, month: int, day: int, *, digits: int) -> dt.date | None:
    if digits <= 2:  # noqa: PLR2004 - a year without its century
        year += 2000 if year <= _LATEST_TWO_DIGIT_YEAR else 1900
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _sex(text: str) -> str | None:
    word = re.split(r"[^A-Z]", text, maxsplit=1)[0]
    if word in ("MALE", "MASCULIN", "MANN", "MASCULINO", "HOMBRE"):
        return "M"
    if word in ("FEMALE", "FEMININ", "FRAU", "FEMENINO", "MUJER"):
        return "F"
    return _SEXES.get(word)


def _name(text: str) -> str | None:
    letters = (c if c.isalpha() or c in " -'’." else " " for c in text.translate(_TO_LETTERS))
    name = " ".join("".join(letters).split()).strip(" -'’.")
    return name or None


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _mask(name: FieldName, document_type: DocumentType) -> str | None:
    """How the type prints a number, without the spaces that a value is stated without."""
    masks = {
        FieldName.DOCUMENT_NUMBER: document_type.number_mask,
        FieldName.PERSONAL_NUMBER: document_type.personal_number_mask,
    }
    return re.sub(r"[^0-9A-Za-z]", "", masks.get(name) or "") or None


def _fits(value: str, mask: str) -> bool:
    """Whether each place of a number holds what its mask says; O and 0, I and 1 are alike to an OCR."""
    kinds = {"A": str.isalpha, "9": str.isdigit}
    return len(value) == len(mask) and all(
        character in "O0I1" or kinds.get(place, str.isalnum)(character)
        for character, place in zip(value, mask, strict=True)
    )


def _is_label(text: str, document_type: DocumentType) -> bool:
    """Whether a crop that missed its place shows a label, its own or the next field's."""
    shown = " ".join(_label_parts(text))
    labels = (
        part
        for side in document_type.sides.values()
        for zone in side.fields
        for part in _parts_of_known_label(zone.label)
    )
    return any(
        len(label) >= _LEAST_LABEL and fuzz.partial_ratio(label, shown) >= _LIKE_A_LABEL
        for label in labels
        if len(shown) >= len(label)
    )


# --- labels ---------------------------------------------------------------------------------------------


def _label_table(document_type: DocumentType | None) -> tuple[tuple[str, FieldName], ...]:
    """Folded label -> field, longest first so that `given names` is not taken for `name`."""
    table = {label: name for name, labels in _LABELS.items() for label in labels}
    for side in document_type.sides.values() if document_type else ():
        for zone in side.fields:
            table.update(dict.fromkeys(_label_parts(zone.label), zone.name))
    return tuple(sorted(table.items(), key=lambda item: (-len(item[0]), item[0])))


def _label_parts(text: str) -> list[str]:
    """The languages of a bilingual label, folded to lower case words."""
    parts = (re.sub(r"[^a-z ]+", " ", _unaccented(part).lower()) for part in re.split(r"[/|•]", text))
    return [" ".join(part.split()) for part in parts if part.strip()]


@functools.cache
def _parts_of_known_label(label: str) -> tuple[str, ...]:
    """As `_label_parts`, of a label that a type prints: these are few, and no personal data."""
    return tuple(_label_parts(label))


def _label_of(text: str, labels: Iterable[tuple[str, FieldName]]) -> tuple[FieldName | None, str]:
    """The field whose label the line is or begins with, and what follows the label."""
    table = tuple(labels)
    head, separator, tail = text.partition(":")
    name = _field_of_parts(_label_parts(head), table)
    if separator:
        return name, tail.strip()
    if name is not None and sum(character.isdigit() for character in text) <= _DIGITS_IN_A_LABEL:
        return name, ""
    words = text.split()
    for count in range(len(words) - 1, 0, -1):
        head = " ".join(words[:count])
        exact = _field_exactly(_label_parts(head), table)
        if exact is not None:
            return exact, " ".join(words[count:])
    return None, ""


def _field_of_parts(parts: Sequence[str], table: Sequence[tuple[str, FieldName]]) -> FieldName | None:
    """The field that any part is the label of, allowing for OCR errors in long ones."""
    scored = [(fuzz.ratio(part, label), len(label), name) for part in parts for label, name in table if part]
    best = max(scored, default=None)
    return best[2] if best is not None and best[0] >= _LIKE_A_LABEL else None


def _field_exactly(parts: Sequence[str], table: Sequence[tuple[str, FieldName]]) -> FieldName | None:
    known = dict(table)
    names = {known[part] for part in parts if part in known}
    return names.pop() if len(names) == 1 and all(part in known for part in parts) else None


def _value_line(
    label: TextLine, lines: Iterable[TextLine], labels: Sequence[tuple[str, FieldName]]
) -> TextLine | None:
    """The nearest line below the label that starts near it, or to its right on the same height."""
    at = _box(label)
    below: list[tuple[float, TextLine]] = []
    beside: list[tuple[float, TextLine]] = []
    for line in lines:
        box = _box(line)
        if line is label or _label_of(line.text, labels)[0] is not None:
            continue
        gap = box.top - at.bottom
        overlaps = box.left < at.right and box.right > at.left and abs(box.left - at.left) < 3 * box.height
        if overlaps and -0.5 * at.height < gap < 2.5 * max(at.height, box.height):
            below.append((gap, line))
        level = min(box.bottom, at.bottom) - max(box.top, at.top) > 0.5 * min(box.height, at.height)
        if level and 0 <= box.left - at.right < 6 * at.height:
            beside.append((box.left - at.right, line))
    nearest = itertools.chain(
        sorted(below, key=lambda pair: pair[0]), sorted(beside, key=lambda pair: pair[0])
    )
    return next((line for _, line in nearest), None)


def _box(line: TextLine) -> _Box:
    corners = line.corners
    return _Box(
        float(corners[:, 0].min()),
        float(corners[:, 1].min()),
        float(corners[:, 0].max()),
        float(corners[:, 1].max()),
    )
