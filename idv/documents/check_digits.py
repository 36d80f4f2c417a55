"""The MRZ alphabet and its check digits (ICAO Doc 9303-3, 4.9)."""

import itertools
import string
from collections.abc import Iterable

FILLER = "<"
DIGITS = string.digits
LETTERS = string.ascii_uppercase
ALPHABET = DIGITS + LETTERS + FILLER
"""The 37 characters of a machine-readable zone."""

_WEIGHTS = (7, 3, 1)
_VALUES = {character: index for index, character in enumerate(DIGITS + LETTERS)} | {FILLER: 0}


def character_value(character: str) -> int:
    """0–9 for digits, 10–35 for A–Z, 0 for the filler. Raises KeyError outside the alphabet."""
    return _VALUES[character]


def check_digit(text: str) -> str:
    """The check digit of `text`: sum of values weighted 7, 3, 1, 7, ... modulo 10, as a character.

    Raises KeyError when `text` leaves the MRZ alphabet.
    """
    weighted = zip(text, itertools.cycle(_WEIGHTS), strict=False)
    return str(sum(_VALUES[character] * weight for character, weight in weighted) % 10)


def in_alphabet(texts: Iterable[str]) -> bool:
    """Whether every text consists of MRZ characters only."""
    return all(character in _VALUES for text in texts for character in text)
