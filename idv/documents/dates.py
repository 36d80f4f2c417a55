"""Six-digit dates of machine-readable zones, their centuries, and reduced-precision ISO 8601 values."""

import calendar
import datetime as dt
import re
from enum import StrEnum

from idv.documents.check_digits import FILLER

_EXPIRY_WINDOW_YEARS = 50
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


class DateRole(StrEnum):
    """What a date says, which settles its century."""

    BIRTH = "birth"
    EXPIRY = "expiry"


def iso_from_mrz(text: str, *, role: DateRole, today: dt.date) -> str | None:
    """ISO 8601 value of `YYMMDD`; fillers for an unknown day or month give `YYYY-MM` or `YYYY`.

    A birth lies in the latest century that does not put it after `today`; an expiry within fifty years of
    `today`. Returns None when nothing is stated or no such date exists.
    """
    year_text, month_text, day_text = text[:2], text[2:4], text[4:6]
    if len(text) != len("YYMMDD") or not _is_number(year_text):
        return None
    month = _part(month_text)
    day = _part(day_text)
    if month is None or day is None or (month == 0 and day != 0):
        return None
    year = (
        _birth_year(int(year_text), month, day, today) if role is DateRole.BIRTH else _near(year_text, today)
    )
    return _iso(year, month, day)


def parse_iso(value: str) -> dt.date | None:
    """The date of a full ISO 8601 value; None for reduced precision or nonsense."""
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def agree(first: str, second: str) -> bool:
    """Whether two ISO 8601 values agree in every part that both state."""
    parts = [_ISO.fullmatch(value) for value in (first, second)]
    if parts[0] is None or parts[1] is None:
        return first == second
    return all(a == b for a, b in zip(parts[0].groups(), parts[1].groups(), strict=True) if a and b)


def latest_day(value: str) -> dt.date | None:
    """The last day a value of any precision can mean; None for nonsense."""
    found = _ISO.fullmatch(value)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2] or 12)
    try:
        last = calendar.monthrange(year, month)[1]
        return dt.date(year, month, int(found[3] or last))
    except ValueError:
        return None


def mrz_from_date(date: dt.date) -> str:
    """`YYMMDD`."""
    return date.strftime("%y%m%d")


def printed(date: dt.date, pattern: str) -> str:
    """The date as a document type prints it: `DD`, `MM`, `MMM` (English) and `YYYY` are filled in."""
    return (
        pattern.replace("YYYY", f"{date.year:04d}")
        .replace("MMM", MONTHS[date.month - 1])
        .replace("MM", f"{date.month:02d}")
        .replace("DD", f"{date.day:02d}")
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _part(text: str) -> int | None:
    """Month or day; 0 when it is stated as unknown; None when it is malformed."""
    if text in (FILLER * 2, "00"):
        return 0
    return int(text) if _is_number(text) else None


def _birth_year(two_digits: int, month: int, day: int, today: dt.date) -> int:
    year = today.year // 100 * 100 + two_digits
    later = (year, month or 1, day or 1) > (today.year, today.month, today.day)
    return year - 100 if later else year


def _near(year_text: str, today: dt.date) -> int:
    year = today.year // 100 * 100 + int(year_text)
    if year >= today.year + _EXPIRY_WINDOW_YEARS:
        return year - 100
    return year + 100 if year < today.year - _EXPIRY_WINDOW_YEARS else year


def _iso(year: int, month: int, day: int) -> str | None:
    if month == 0:
        return f"{year:04d}"
    if day == 0:
        return f"{year:04d}-{month:02d}" if month <= 12 else None  # noqa: PLR2004 - months of a year
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return None
