import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.check_digits import ALPHABET
from idv.documents.mrz_alignment import align, cleaned, fold, looks_like_mrz_row
from idv.documents.mrz_layouts import LAYOUTS, Kind
from idv.domain.documents import MrzFormat

NAMES = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
DATA = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("p<uto eriksson", "P<UTOERIKSSON"),
        ("ANNA«MARIA‹", "ANNA<<MARIA<"),
        ("Ρ<UTO", "P<UTO"),
        ("АВ12", "AB12"),
        ("＜く(", "<<<"),
        ("AB.12|é", "AB12"),
    ],
)
def test_cleaning_keeps_what_an_ocr_meant(text: str, clean: str) -> None:
    """Look-alikes of other scripts become Latin, brackets fillers, and nothing else remains."""
    assert cleaned(text) == clean


@given(st.text(max_size=60))
def test_cleaned_text_is_in_the_alphabet(text: str) -> None:
    """Cleaning is closed over the alphabet and changes nothing twice."""
    assert set(cleaned(text)) <= set(ALPHABET)
    assert cleaned(cleaned(text)) == cleaned(text)


@given(
    st.text(alphabet=ALPHABET, min_size=10, max_size=10),
    st.lists(st.sampled_from(Kind), min_size=10, max_size=10),
)
def test_folding_touches_only_what_cannot_stand_there(text: str, kinds: list[Kind]) -> None:
    """A character that may stand at its place is never changed."""
    folded = fold(text, [*kinds[:9], Kind.ANY])
    for before, after, kind in zip(text, folded, kinds[:9], strict=False):
        assert before == after or before not in kind.characters


@pytest.mark.parametrize(
    "text", [NAMES, DATA, "I<UTOD231458907<<<<<<<<<<<<<<<", NAMES.lower(), DATA.replace("0", "O")]
)
def test_rows_of_a_zone_are_recognised(text: str) -> None:
    """Names and data rows look like a zone, in any case."""
    assert looks_like_mrz_row(text)


@pytest.mark.parametrize(
    "text",
    [
        "REPUBLIC OF UTOPIA",
        "Date of birth / Date de naissance",
        "12 AUG 1974",
        "",
        "<<<<",
        "Straße 12, Musterstadt am See, Ökoland 7",
    ],
)
def test_other_lines_are_not(text: str) -> None:
    """Labels, dates and titles do not."""
    assert not looks_like_mrz_row(text)


def test_junk_in_the_closing_fillers_of_names_goes() -> None:
    """Nothing follows three fillers in a name field, so K and C there are misread fillers."""
    noisy = NAMES[:30] + "K<<C" + NAMES[34:]
    aligned = align(LAYOUTS[MrzFormat.TD3], [noisy, DATA])
    assert aligned is not None
    assert aligned.lines == (NAMES, DATA)


def test_a_spurious_character_at_an_end_is_dropped() -> None:
    """What the OCR saw beside the zone is cut off where the digits then verify."""
    aligned = align(LAYOUTS[MrzFormat.TD3], [NAMES, "1" + DATA])
    assert aligned is not None
    assert aligned.lines == (NAMES, DATA)
    assert aligned.slip == 1


def test_rows_far_from_the_length_are_not_aligned() -> None:
    """Nine characters too few are another thing."""
    assert align(LAYOUTS[MrzFormat.TD3], [NAMES[:35], DATA]) is None
