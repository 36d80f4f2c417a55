import pytest

from idv.documents.states import is_state


@pytest.mark.parametrize("code", ["UTO", "DEU", "D", "D<<", "XAR", "XXA", "GBD", "UNO", "EUE"])
def test_codes_on_documents(code: str) -> None:
    """ISO codes, ICAO's own, Germany's single letter and the users' range are states."""
    assert is_state(code)


@pytest.mark.parametrize("code", ["", "<<<", "UT0", "ZZZ", "X", "XX", "X1A", "QQQ", "U"])
def test_other_codes(code: str) -> None:
    """Misread and empty codes are not."""
    assert not is_state(code)
