import datetime as dt

import numpy as np

from idv.documents.check_digits import ALPHABET
from idv.documents.document_types import load_document_types
from idv.documents.mrz_layouts import LAYOUTS
from idv.domain.documents import MrzFormat
from idv.vision.perception.mrz_proof import proven, refuted
from idv.vision.perception.mrz_rows import Row

TODAY = dt.date(2026, 1, 1)
TD3 = LAYOUTS[MrzFormat.TD3]
NAMES = "P<HUNHANDRA<<ROZALIA<IRMA".ljust(44, "<")
NUMBERS = "BD00020282HUN7802225F2203012<<<<<<<<<<<<<<06"


def row(text: str, **second: float) -> Row:
    """A row read with certainty but for `second`: `c4D=0.3` gives D at column 4 the probability 0.3."""
    choices = np.full((len(text), len(ALPHABET)), 1e-4, np.float32)
    for index, character in enumerate(text):
        choices[index, ALPHABET.index(character)] = 0.95
    for place, probability in second.items():
        column, character = int(place[1:-1]), place[-1]
        choices[column, ALPHABET.index(character)] = probability
    return Row(text, choices.max(axis=1), choices, 1.0)


def test_rows_whose_digits_hold_are_left_alone() -> None:
    """A likely second choice changes nothing where nothing is refuted."""
    reading = proven(TD3, (row(NAMES), row(NUMBERS, c0X=0.4)), today=TODAY, types=None)
    assert reading.lines == (NAMES, NUMBERS)
    assert reading.repairs == 0


def test_the_second_choice_that_verifies_is_taken() -> None:
    """A D read as 0 stands among zeros: the digit alone cannot say which, the recogniser's doubt can."""
    misread = NUMBERS.replace("BD0", "B00")
    reading = proven(TD3, (row(NAMES), row(misread, c1D=0.3)), today=TODAY, types=None)
    assert reading.lines == (NAMES, NUMBERS)
    assert reading.valid
    assert reading.repairs == 1


def test_two_equally_likely_changes_prove_nothing() -> None:
    """D at the second and at the fifth place weigh the same: the zone stays refuted as read."""
    misread = NUMBERS.replace("BD0", "B00")
    reading = proven(TD3, (row(NAMES), row(misread, c1D=0.3, c4D=0.3)), today=TODAY, types=None)
    assert reading.lines[1] == misread
    assert refuted(reading) == 2


def test_a_zone_printed_wrong_stays_refuted() -> None:
    """Where the recogniser has no doubt there is nothing to repair with."""
    wrong = NUMBERS.replace("780222", "780223")
    reading = proven(TD3, (row(NAMES), row(wrong)), today=TODAY, types=None)
    assert reading.lines[1] == wrong
    assert not reading.valid


def test_letters_that_cancel_out_in_the_digit_are_told_by_the_types_mask() -> None:
    """O twice read as 0 leaves every digit right; the card's numbers begin with a letter, so it is O."""
    layout = LAYOUTS[MrzFormat.TD2]
    names, numbers = "IDXARAL<FARSI<<NGOZI".ljust(36, "<"), "030D041469XAR5312021F2908269<<<<<<<4"
    assert proven(layout, (row(names), row(numbers)), today=TODAY, types=None).lines[1] == numbers
    told = proven(layout, (row(names), row(numbers)), today=TODAY, types=load_document_types())
    assert told.lines[1] == "O30DO41469XAR5312021F2908269<<<<<<<4"
    assert told.valid
