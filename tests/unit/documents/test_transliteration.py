import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.check_digits import FILLER, LETTERS
from idv.documents.transliteration import is_spelling, spellings, transliterate


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Eriksson", "ERIKSSON"),
        ("Müller-Groß", "MUELLER<GROSS"),
        ("O'Neil", "ONEIL"),
        ("d’Artagnan", "DARTAGNAN"),
        ("Ångström Øre", "AANGSTROEM<OERE"),
        ("Łukasz Čapek", "LUKASZ<CAPEK"),
        ("I\u0307pek", "IPEK"),
        ("Nguyễn", "NGUYEN"),
        ("Þór Ægir Ð", "THOR<AEGIR<D"),
        ("Щербаков Юрий", "SHCHERBAKOV<IURII"),
        ("Александр", "ALEKSANDR"),
        ("محمد", "MXHMD"),
        ("خالد", "XKHALD"),
        ("van der  Berg", "VAN<DER<BERG"),
        ("-A-", "A"),
        ("金", ""),
        ("R2D2", "RD"),
        ("", ""),
    ],
)
def test_examples(text: str, letters: str) -> None:
    """Latin, Cyrillic and Arabic names as ICAO Doc 9303-3 has them; other scripts are left out."""
    assert transliterate(text) == letters


@given(st.text(max_size=40))
def test_closed_over_the_name_alphabet(text: str) -> None:
    """Any text at all becomes letters and single fillers between words."""
    result = transliterate(text)
    assert set(result) <= set(LETTERS + FILLER)
    assert not result.startswith(FILLER)
    assert not result.endswith(FILLER)
    assert FILLER * 2 not in result


@given(st.text(max_size=20))
def test_transliterating_twice_changes_nothing(text: str) -> None:
    """The result is its own transliteration."""
    assert transliterate(transliterate(text)) == transliterate(text)


@given(st.text(max_size=12))
def test_spellings_begin_with_the_recommended_one(text: str) -> None:
    """All allowed spellings are distinct, few, and led by the standard's first choice."""
    found = spellings(text)
    assert found[0] == transliterate(text)
    assert len(set(found)) == len(found) <= 16


def test_a_choice_of_the_standard_gives_two_spellings() -> None:
    """Ü may be UE, UXX or U."""
    assert set(spellings("Ü")) == {"UE", "UXX", "U"}


@given(st.text("AÜÉжшюЯХЩ -'", min_size=1, max_size=8))
def test_every_spelling_is_recognised(text: str) -> None:
    """What `spellings` lists is a spelling, and another letter at its end makes it none."""
    for spelling in spellings(text):
        assert is_spelling(text, spelling)
        assert not is_spelling(text, spelling + "QQ")


def test_choices_in_a_long_name_are_all_weighed() -> None:
    """A name with more choices than `spellings` lists is recognised in its last as in its first."""
    assert is_spelling("Хрущёва Жукова", "HRUSHTIOVA<ZUKOVA")
    assert is_spelling("Хрущёва Жукова", "KHRUSHCHEVA ZHUKOVA")
    assert not is_spelling("Хрущёва Жукова", "KHRUSHCHEVA ZHUKOV")
