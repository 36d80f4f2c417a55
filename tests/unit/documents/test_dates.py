import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.dates import DateRole, agree, iso_from_mrz, latest_day, mrz_from_date, parse_iso, printed

TODAY = dt.date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "role", "value"),
    [
        ("740812", DateRole.BIRTH, "1974-08-12"),
        ("261122", DateRole.BIRTH, "2026-11-22"),
        ("261123", DateRole.BIRTH, "1926-11-23"),
        ("74<<<<", DateRole.BIRTH, "1974"),
        ("7408<<", DateRole.BIRTH, "1974-08"),
        ("740800", DateRole.BIRTH, "1974-08"),
        ("000229", DateRole.BIRTH, "2000-02-29"),
        ("010229", DateRole.BIRTH, None),
        ("741301", DateRole.BIRTH, None),
        ("7413<<", DateRole.BIRTH, None),
        ("74<<12", DateRole.BIRTH, None),
        ("<<<<<<", DateRole.BIRTH, None),
        ("74081", DateRole.BIRTH, None),
        ("7A0812", DateRole.BIRTH, None),
        ("7408A2", DateRole.BIRTH, None),
        ("320415", DateRole.EXPIRY, "2032-04-15"),
        ("940415", DateRole.EXPIRY, "1994-04-15"),
        ("750101", DateRole.EXPIRY, "2075-01-01"),
        ("760101", DateRole.EXPIRY, "1976-01-01"),
    ],
)
def test_six_digits_become_a_date(text: str, role: DateRole, value: str | None) -> None:
    """A birth is never in the future, an expiry within fifty years, and no impossible day survives."""
    assert iso_from_mrz(text, role=role, today=TODAY) == value


def test_the_century_of_an_expiry_follows_today() -> None:
    """Near the end of a century a small year belongs to the next one."""
    assert iso_from_mrz("050101", role=DateRole.EXPIRY, today=dt.date(2095, 1, 1)) == "2105-01-01"


@given(st.dates(dt.date(1926, 11, 23), TODAY))
def test_births_of_a_century_come_back(date: dt.date) -> None:
    """Writing and reading any birth of the last hundred years is the identity."""
    assert iso_from_mrz(mrz_from_date(date), role=DateRole.BIRTH, today=TODAY) == date.isoformat()


@given(st.dates(dt.date(1977, 1, 1), dt.date(2075, 12, 31)))
def test_expiries_of_the_window_come_back(date: dt.date) -> None:
    """Writing and reading any expiry within fifty years is the identity."""
    assert iso_from_mrz(mrz_from_date(date), role=DateRole.EXPIRY, today=TODAY) == date.isoformat()


@given(st.text(max_size=8))
def test_any_text_is_answered(text: str) -> None:
    """Nonsense gives None or an ISO value, never an exception."""
    value = iso_from_mrz(text, role=DateRole.BIRTH, today=TODAY)
    assert value is None or latest_day(value) is not None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("1974-08-12", "1974-08-12", True),
        ("1974-08-12", "1974-08-13", False),
        ("1974-08", "1974-08-13", True),
        ("1974", "1975-08-13", False),
        ("?", "1974", False),
        ("?", "?", True),
    ],
)
def test_dates_agree_in_what_both_state(first: str, second: str, *, same: bool) -> None:
    """An unknown day contradicts no day; agreement is symmetric."""
    assert agree(first, second) is same
    assert agree(second, first) is same


def test_the_last_day_of_a_reduced_date() -> None:
    """A document valid until a month is valid to its last day."""
    assert latest_day("2024-02") == dt.date(2024, 2, 29)
    assert latest_day("2024") == dt.date(2024, 12, 31)
    assert latest_day("2024-02-03") == dt.date(2024, 2, 3)
    assert latest_day("2024-13") is None
    assert latest_day("soon") is None


def test_printing_and_parsing() -> None:
    """Patterns are filled in with English month names; ISO text that is no date is None."""
    assert printed(dt.date(1974, 8, 2), "DD MMM YYYY") == "02 AUG 1974"
    assert printed(dt.date(1974, 8, 2), "DD.MM.YYYY") == "02.08.1974"
    assert parse_iso("1974-08-02") == dt.date(1974, 8, 2)
    assert parse_iso("1974-08") is None
