"""Transliteration of names to the MRZ alphabet (ICAO Doc 9303-3, section 6).

Latin letters with diacritics, Cyrillic, and Arabic script in the recommended scheme that escapes with X.
Where the standard offers a choice (Ä: AE or A) `transliterate` takes its first, `spellings` gives all.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable

from idv.documents.check_digits import FILLER, LETTERS

_LATIN = {
    "Ä": "AE", "Å": "AA", "Æ": "AE", "Ð": "D", "Ñ": "N", "Ö": "OE", "Ø": "OE", "Ü": "UE", "Þ": "TH",
    "ß": "SS", "ẞ": "SS", "Đ": "D", "Ħ": "H", "ı": "I", "Ĳ": "IJ", "ĸ": "Q", "Ŀ": "L", "Ł": "L", "ŉ": "N",
    "Ŋ": "N", "Œ": "OE", "Ŧ": "T", "Ə": "E", "Ɛ": "E", "Ɔ": "O", "Ǥ": "G", "Ƴ": "Y", "Ɓ": "B", "Ɗ": "D",
    "Ƙ": "K", "ſ": "S",
}  # fmt: skip
_CYRILLIC = {
    "А": "A", "Б": "B", "В": "V", "Г": "G", "Д": "D", "Е": "E", "Ё": "E", "Ж": "ZH", "З": "Z", "И": "I",
    "Й": "I", "К": "K", "Л": "L", "М": "M", "Н": "N", "О": "O", "П": "P", "Р": "R", "С": "S", "Т": "T",
    "У": "U", "Ф": "F", "Х": "KH", "Ц": "TS", "Ч": "CH", "Ш": "SH", "Щ": "SHCH", "Ъ": "IE", "Ы": "Y",
    "Ь": "", "Э": "E", "Ю": "IU", "Я": "IA", "І": "I", "Ї": "I", "Є": "IE", "Ґ": "G", "Ў": "U", "Ѓ": "G",
    "Ђ": "D", "Ѕ": "DZ", "Ј": "J", "Ќ": "K", "Љ": "LJ", "Њ": "NJ", "Ћ": "C", "Џ": "DZ", "Ѣ": "IE",
    "Ѫ": "U", "Ѵ": "Y", "Ѳ": "F", "Ә": "E", "Қ": "K", "Ң": "N", "Ө": "O", "Ұ": "U", "Ү": "U", "Һ": "C",
}  # fmt: skip
_ARABIC = {
    "ء": "XE", "آ": "XAA", "أ": "XAE", "ؤ": "U", "إ": "I", "ئ": "XI", "ا": "A", "ب": "B", "ة": "XTA",
    "ت": "T", "ث": "XTH", "ج": "J", "ح": "XH", "خ": "XKH", "د": "D", "ذ": "XDH", "ر": "R", "ز": "Z",
    "س": "S", "ش": "XSH", "ص": "XSS", "ض": "XDZ", "ط": "XTT", "ظ": "XZZ", "ع": "E", "غ": "G", "ف": "F",
    "ق": "Q", "ك": "K", "ل": "L", "م": "M", "ن": "N", "ه": "H", "و": "W", "ى": "XAY", "ي": "Y",
    "ٱ": "XXA", "ٹ": "XXT", "پ": "P", "ځ": "XKE", "څ": "XXH", "چ": "XC", "ډ": "XDE", "ړ": "XRE",
    "ږ": "XRR", "ژ": "XJ", "ښ": "XSE", "ڤ": "XV", "ک": "XKK", "گ": "XG", "ڭ": "XNG", "ں": "XNN",
    "ڼ": "XNE", "ھ": "XDO", "ہ": "XXO", "ۀ": "XYH", "ی": "XYA", "ې": "XYC", "ے": "XYB",
}  # fmt: skip
_TABLE = _LATIN | _CYRILLIC | _ARABIC
_ALTERNATIVES = {
    "Ä": ("A",), "Å": ("A",), "Ñ": ("NXX",), "Ö": ("O",), "Ø": ("O",), "Ü": ("U", "UXX"), "Г": ("H",),
    "Ж": ("Z",), "Х": ("H",), "Ц": ("C",), "Ч": ("C",), "Ш": ("S",), "Щ": ("SHT",), "И": ("Y",),
    "Ё": ("IO",), "Ю": ("YU",), "Я": ("YA",), "Є": ("YE",), "ة": ("XAH",),
}  # fmt: skip
_SEPARATORS = frozenset(" -‐‑‒–—_,/\t\n\u00a0" + FILLER)
_MAXIMUM_SPELLINGS = 16


def transliterate(text: str) -> str:
    """`text` in MRZ letters: spaces and hyphens become one filler, apostrophes and marks go.

    Total: characters of scripts the standard does not cover are left out. Digits are left out too, since
    a name field has none.
    """
    return _joined(_letters(character)[0] for character in _composed(text))


def spellings(text: str) -> tuple[str, ...]:
    """All spellings the standard allows, the recommended first; at most sixteen."""
    choices = [_letters(character) for character in _composed(text)]
    products = itertools.islice(itertools.product(*choices), _MAXIMUM_SPELLINGS)
    return tuple(dict.fromkeys(_joined(product) for product in products))


def is_spelling(text: str, of_zone: str) -> bool:
    """Whether the standard allows `text` to be written as `of_zone`, wherever their words are broken.

    Unlike `spellings` this weighs every choice in every letter, however long the name is.
    """
    choices = [_letters(character) for character in _composed(text) if character not in _SEPARATORS]
    pattern = "".join(f"(?:{'|'.join(map(re.escape, letters))})" for letters in choices)
    return re.fullmatch(pattern, "".join(of_zone.replace(FILLER, " ").split())) is not None


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _joined(parts: Iterable[str]) -> str:
    words = "".join(parts).split(FILLER)
    return FILLER.join(word for word in words if word)


def _letters(character: str) -> tuple[str, ...]:
    """Every transliteration of one character, the recommended first; ("",) when there is none."""
    if character in _SEPARATORS:
        return (FILLER,)
    upper = character.upper() if character not in _TABLE else character
    if len(upper) > 1:
        return (transliterate(upper),)
    if upper in _TABLE:
        return (_TABLE[upper], *_ALTERNATIVES.get(upper, ()))
    base = unicodedata.normalize("NFKD", upper)[:1].upper()
    if base and base in LETTERS:
        return (base,)
    return (_TABLE.get(base, ""),)
