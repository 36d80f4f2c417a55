import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.check_digits import ALPHABET
from idv.documents.mrz_layouts import LAYOUTS
from idv.domain.arrays import Array
from idv.domain.documents import MrzFormat
from idv.vision.perception.mrz_rows import MrzFolding, places, read_row

TD3 = LAYOUTS[MrzFormat.TD3]
NAMES = "P<UTOERIKSSON<<ANNA<MARIA".ljust(44, "<")
NUMBERS = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"


def folded(text: str, *, pitch: int = 3, certainty: float = 0.95) -> Array:
    """Posteriors as a recogniser gives them for evenly spaced print: a spike a character, blanks between."""
    columns = pitch * (len(text) + 2)
    probability = np.full((columns, len(ALPHABET) + 1), 0.01 / len(ALPHABET), np.float32)
    probability[:, -1] = 0.99
    for index, character in enumerate(text):
        column = pitch * (index + 1)
        probability[column] = (1 - certainty) / len(ALPHABET)
        probability[column, ALPHABET.index(character)] = certainty
    return probability


def without(probability: Array, *, column: int) -> Array:
    """The same with nothing but blank in a column: a character that the recogniser dropped."""
    gone = probability.copy()
    gone[column, :-1], gone[column, -1] = 0.001, 0.963
    return gone


@pytest.mark.parametrize("row", [0, 1])
def test_clear_print_is_read_as_it_stands(row: int) -> None:
    """Both rows of the specimen of ICAO Doc 9303-4."""
    text = (NAMES, NUMBERS)[row]
    read = read_row(folded(text), places(TD3, row))
    assert read.text == text
    assert read.confidence > 0.9
    assert read.evenness > 0.9


def test_a_dropped_filler_is_put_back_where_the_pitch_wants_it() -> None:
    """The run before the last two digits keeps its length although one of its fillers left no trace."""
    read = read_row(without(folded(NUMBERS), column=3 * 40), places(TD3, 1))
    assert read.text == NUMBERS
    assert read.confidences[39] < 0.1


def test_a_doubled_filler_is_merged() -> None:
    """Two spikes within one pitch are one character."""
    probability = folded(NAMES)
    column = 3 * 31 + 2
    probability[column] = probability[3 * 31]
    assert read_row(probability, places(TD3, 0)).text == NAMES


def test_a_pitch_that_shrinks_along_the_row_is_no_fault() -> None:
    """A picture that was not laid quite flat: every character is there, only nearer at the far end."""
    places_px = np.cumsum(np.linspace(5.0, 2.0, 44)).round().astype(int)
    probability = np.repeat(folded("", pitch=1)[:1], places_px[-1] + 3, axis=0)
    for column, character in zip(places_px, NUMBERS, strict=True):
        probability[column] = 0.001
        probability[column, ALPHABET.index(character)] = 0.95
    read = read_row(probability, places(TD3, 1))
    assert read.text == NUMBERS
    assert read.confidences.min() > 0.9


def test_zero_among_names_is_the_letter() -> None:
    """An OCR reads O as 0; digits cannot stand in names."""
    assert read_row(folded(NAMES.replace("O", "0")), places(TD3, 0)).text == NAMES


def test_letters_in_dates_are_digits() -> None:
    """74O8I2 can only be 740812."""
    noisy = NUMBERS.replace("740812", "74O8I2")
    assert read_row(folded(noisy), places(TD3, 1)).text == NUMBERS


def test_clear_digits_in_place_of_a_state_stay() -> None:
    """Real cards print 132 where a nationality belongs: what is clearly printed is not bent into letters."""
    printed = NUMBERS[:10] + "132" + NUMBERS[13:]
    assert read_row(folded(printed, certainty=0.999), places(TD3, 1)).text == printed


def test_the_document_code_may_carry_a_digit_but_no_zero() -> None:
    """C1USA stays; I0 is ID."""
    td1 = LAYOUTS[MrzFormat.TD1]
    assert read_row(folded("C1USA022345679" + "<" * 16), places(td1, 0)).text.startswith("C1USA")
    assert read_row(folded("I0CHES0002068<8".ljust(30, "<")), places(td1, 0)).text.startswith("ID")


def test_fewer_columns_than_characters_are_refused() -> None:
    """No path exists through such posteriors."""
    with pytest.raises(ValueError, match="10 columns cannot hold 44"):
        read_row(folded("<" * 44)[:10], places(TD3, 0))


@given(seed=st.integers(0, 10_000), count=st.integers(0, 3))
def test_the_length_is_always_that_of_the_layout(seed: int, count: int) -> None:
    """Whatever is lost, a row has 44 characters of the alphabet and a confidence for each."""
    rng = np.random.default_rng(seed)
    probability = folded("".join(rng.choice(list(ALPHABET), 44)))
    for column in rng.choice(len(probability), count):
        probability = without(probability, column=int(column))
    read = read_row(probability, places(TD3, 1))
    assert len(read.text) == 44
    assert set(read.text) <= set(ALPHABET)
    assert read.confidences.shape == (44,)
    assert read.choices.shape == (44, 37)


def test_folding_sums_lower_case_accents_and_wide_forms() -> None:
    """Classes of one MRZ character add up; what stands for none is left out."""
    alphabet = ("", "n", "Ñ", "N", "＜", "漢", "0")
    fold = MrzFolding(alphabet)
    out = fold.fold(np.array([[0.1, 0.2, 0.1, 0.3, 0.05, 0.2, 0.05]], np.float32))
    assert out[0, ALPHABET.index("N")] == pytest.approx(0.6)
    assert out[0, ALPHABET.index("<")] == pytest.approx(0.05)
    assert out[0, -1] == pytest.approx(0.1)
    assert out.sum() == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("read", "names"),
    [
        ("P<UTOMUELLER<<TOMAS<<CCECECCCCCCCCEECCCCCCCE", "P<UTOMUELLER<<TOMAS"),
        ("P<UTORAMOS<<ROSE<CCCCCCCCCCCC<<<CCCCCCCCCCCC", "P<UTORAMOS<<ROSE"),
        ("P<UTORAMOS<<LEE<KEES<<<<<<<<<<<<<<<<<<<<<<<<", "P<UTORAMOS<<LEE<KEES"),
        ("P<UTORAMOS<<ROSE<CCCCCC<ANNA<<<<<<<<<<<<<<<<", "P<UTORAMOS<<ROSE<CCCCCC<ANNA"),
    ],
)
def test_blurred_closing_fillers_are_put_back(read: str, names: str) -> None:
    """A run of C, E and K after the names is none; a name of such letters, or before another name, stays."""
    assert read_row(folded(read), places(TD3, 0)).text == names.ljust(44, "<")


def test_what_is_put_back_is_half_sure() -> None:
    """It was inferred from what names can be, not seen."""
    row = read_row(folded("P<UTOMUELLER<<TOMAS".ljust(30, "<") + "C" * 14), places(TD3, 0))
    assert set(row.confidences[30:].tolist()) == {0.5}
    assert row.confidences[:19].min() > 0.9


def test_a_row_hides_its_text_in_a_repr() -> None:
    """Names and numbers are personal data."""
    assert "ERIKSSON" not in repr(read_row(folded(NAMES), places(TD3, 0)))
