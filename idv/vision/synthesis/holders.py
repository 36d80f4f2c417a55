"""Holders of drawn documents: random persons whose names, dates and numbers fit each other."""

import datetime as dt
import string
from dataclasses import dataclass, field, replace

import numpy as np

from idv.documents.check_digits import FILLER
from idv.documents.dates import printed
from idv.documents.document_types import DocumentType
from idv.documents.mrz_writer import MrzRecord
from idv.documents.transliteration import transliterate
from idv.domain.documents import FieldName

_SURNAMES = (
    "Eriksson", "Müller", "O'Neill", "García López", "Østergård", "Nguyễn", "Wójcik", "Şahin", "Dvořák",
    "Silva Santos", "Petrović", "Ivanova", "Kowalska", "Haddad", "Tanaka", "Okafor", "Lefèvre", "Öztürk",
    "Jónsdóttir", "van der Berg", "Papadopoulou", "Kim", "Mensah", "Li", "Castañeda", "Nagy", "Groß",
    "Ramanathan", "Shevchenko", "Al-Farsi", "Čapek", "Bērziņš", "Kask", "Abebe", "Smith-Jones", "D'Angelo",
    "Fernández", "Łukasik", "Õunapuu", "Yılmaz", "Horváth", "Baptiste", "Ng", "Wolfeschlegelsteinhausen",
)  # fmt: skip
_GIVEN = {
    "F": (
        "Anna María", "Zoë", "Aisha", "Chloé", "Mei", "Ingrid", "Łucja", "Svetlana", "Marie-Claire", "Fatima",
        "Ayşe", "Eszter", "Núria", "Priya", "Yuki", "Ngozi", "Agnieszka", "Siân", "Hanna", "Beatriz Helena",
        "Žofie", "Élodie", "Sofía", "Katarzyna", "Amélie Rose",
    ),
    "M": (
        "Anders", "José Luis", "Björn", "Kofi", "Wei", "Dmitri", "Jean-Luc", "Omar", "Łukasz", "Çağlar",
        "Søren", "Raúl", "Hiroshi", "Emeka", "Nikola", "Tomáš", "Seán", "Arjun", "Jürgen", "Mihály",
        "Pedro Miguel", "Yusuf", "Óscar", "Jakub", "Christopher Alexander",
    ),
}  # fmt: skip
_CYRILLIC_SURNAMES = {
    "F": ("Иванова", "Шевченко", "Юрченко", "Соколова", "Жукова", "Цветкова", "Павлова", "Чайка", "Мороз"),
    "M": ("Иванов", "Шевченко", "Юрченко", "Соколов", "Жуков", "Цветков", "Павлов", "Чайка", "Мороз"),
}
_CYRILLIC_GIVEN = {
    "F": ("Анна", "Светлана", "Юлия", "Екатерина", "Жанна", "Оксана", "Ольга", "Вера", "Яна Мария"),
    "M": ("Дмитро", "Сергей", "Юрий", "Николай", "Фёдор", "Тарас", "Илья", "Жарко", "Пётр Иван"),
}
_STREETS = ("Harbour Street", "Mill Lane", "Linden Avenue", "Station Road", "Castle Hill", "River Walk")
_TOWNS = ("Amaurot", "Port Hythlo", "Anydra", "New Polyler", "Macar", "Achora")
ISSUED_FROM = dt.date(2026, 1, 5)
"""First day on which documents of eval sets are issued."""
_ISSUED_DAYS = 290
_SHORTEST_AGE_DAYS = 18 * 366
_LONGEST_AGE_DAYS = 80 * 365
_MINIMUM_LEFT_DAYS = 90


@dataclass(frozen=True)
class Holder:
    """A person who never was, and the data of one document; kept out of a repr like a real one's.

    Names as printed, with their diacritics; `sex` is `M`, `F` or `X`.
    """

    surname: str = field(repr=False)
    given_names: str = field(repr=False)
    sex: str
    nationality: str
    date_of_birth: dt.date = field(repr=False)
    date_of_issue: dt.date = field(repr=False)
    date_of_expiry: dt.date = field(repr=False)
    document_number: str = field(repr=False)
    personal_number: str = field(default="", repr=False)
    address: str = field(default="", repr=False)


def make_holder(document_type: DocumentType, rng: np.random.Generator, *, today: dt.date) -> Holder:
    """A random adult whose document of this type is valid on `today`."""
    sex = str(rng.choice(["F", "M"]))
    issued = today - dt.timedelta(
        days=int(rng.integers(1, document_type.validity_years * 365 - _MINIMUM_LEFT_DAYS))
    )
    born = issued - dt.timedelta(days=int(rng.integers(_SHORTEST_AGE_DAYS, _LONGEST_AGE_DAYS)))
    cyrillic = document_type.script == "cyrillic"
    surnames = _CYRILLIC_SURNAMES[sex] if cyrillic else _SURNAMES
    given = _CYRILLIC_GIVEN[sex] if cyrillic else _GIVEN[sex]
    return Holder(
        surname=str(rng.choice(surnames)),
        given_names=str(rng.choice(given)),
        sex=sex,
        nationality=document_type.issuing_state,
        date_of_birth=born,
        date_of_issue=issued,
        date_of_expiry=_years_later(issued, document_type.validity_years) - dt.timedelta(days=1),
        document_number=_masked(document_type.number_mask, rng),
        personal_number=_masked(document_type.personal_number_mask or "", rng),
        address=f"{rng.integers(1, 200)} {rng.choice(_STREETS)}, {rng.choice(_TOWNS)}",
    )


def lately_issued(holder: Holder, document_type: DocumentType, rng: np.random.Generator) -> Holder:
    """The holder with a document issued in 2026: it stays valid as long as its type allows, for eval sets."""
    issued = ISSUED_FROM + dt.timedelta(days=int(rng.integers(_ISSUED_DAYS)))
    expiry = years_later(issued, document_type.validity_years) - dt.timedelta(days=1)
    return replace(holder, date_of_issue=issued, date_of_expiry=expiry)


def years_later(date: dt.date, years: int) -> dt.date:
    """The same day in another year; 28 February where there is no 29th."""
    try:
        return date.replace(year=date.year + years)
    except ValueError:
        return date.replace(year=date.year + years, day=28)


def mrz_record(document_type: DocumentType, holder: Holder) -> MrzRecord:
    """What the machine-readable zone of this type states about the holder."""
    return MrzRecord(
        document_code=document_type.document_code,
        issuing_state=document_type.issuing_state,
        document_number=holder.document_number,
        surname=holder.surname,
        given_names=holder.given_names,
        nationality=holder.nationality,
        date_of_birth=holder.date_of_birth,
        sex=holder.sex,
        date_of_expiry=holder.date_of_expiry,
        optional_data=holder.personal_number,
    )


def printed_fields(document_type: DocumentType, holder: Holder) -> dict[FieldName, str]:
    """Every field as the visual zone of this type prints it."""
    pattern = document_type.date_format
    return {
        FieldName.DOCUMENT_CODE: document_type.document_code,
        FieldName.ISSUING_STATE: document_type.issuing_state,
        FieldName.DOCUMENT_NUMBER: holder.document_number,
        FieldName.SURNAME: _printed_name(holder.surname, document_type),
        FieldName.GIVEN_NAMES: _printed_name(holder.given_names, document_type),
        FieldName.NATIONALITY: holder.nationality,
        FieldName.DATE_OF_BIRTH: printed(holder.date_of_birth, pattern),
        FieldName.SEX: holder.sex,
        FieldName.DATE_OF_EXPIRY: printed(holder.date_of_expiry, pattern),
        FieldName.DATE_OF_ISSUE: printed(holder.date_of_issue, pattern),
        FieldName.PERSONAL_NUMBER: holder.personal_number,
        FieldName.ADDRESS: holder.address,
    }


def _printed_name(name: str, document_type: DocumentType) -> str:
    """Capitals; a name in another script comes with its transliteration (ICAO Doc 9303-3, section 3.1)."""
    if document_type.script == "latin":
        return name.upper()
    return f"{name.upper()} / {transliterate(name).replace(FILLER, ' ')}"


def _masked(mask: str, rng: np.random.Generator) -> str:
    """The mask with a random letter for `A` and a random digit for `9`."""
    pools = {"A": string.ascii_uppercase, "9": string.digits}
    return "".join(str(rng.choice(list(pools[place]))) if place in pools else place for place in mask)


def _years_later(date: dt.date, years: int) -> dt.date:
    """The same day years later; 1 March where there is no 29 February."""
    try:
        return date.replace(year=date.year + years)
    except ValueError:
        return dt.date(date.year + years, 3, 1)
