import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.check_digits import ALPHABET, FILLER, character_value, check_digit, in_alphabet

TEXTS = st.text(alphabet=ALPHABET, min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("text", "digit"),
    [("520727", "3"), ("AB2134<<<", "5"), ("L898902C3", "6"), ("740812", "2"), ("<<<<<<", "0"), ("", "0")],
)
def test_examples_of_the_standard(text: str, digit: str) -> None:
    """The worked examples of ICAO Doc 9303-3 and its specimens give the digits printed there."""
    assert check_digit(text) == digit


@given(TEXTS, st.data())
def test_a_changed_character_is_caught_unless_its_value_is_equal_modulo_ten(
    text: str, data: st.DataObject
) -> None:
    """Weights 7, 3 and 1 are prime to 10, so only values equal modulo 10 escape."""
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    changed = text[:place] + other + text[place + 1 :]
    equal = (character_value(other) - character_value(text[place])) % 10 == 0
    assert (check_digit(changed) == check_digit(text)) is equal


@given(TEXTS)
def test_trailing_fillers_do_not_matter(text: str) -> None:
    """A filler counts as zero, so padding an element never changes its digit."""
    assert check_digit(text + FILLER * 5) == check_digit(text)


def test_the_alphabet_is_closed() -> None:
    """Thirty-seven characters, and nothing else has a value."""
    assert len(ALPHABET) == 37
    assert in_alphabet(["AZ09<", ""])
    assert not in_alphabet(["AZ", "a"])
    with pytest.raises(KeyError):
        check_digit("a")
