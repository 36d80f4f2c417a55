"""Compares names as people write them with names as documents carry them.

Tolerates what differs without meaning another person: order and number of given names, hyphens, apostrophes
and spaces, diacritics and their transliterations, cuts in a full name field, and a typing or OCR error
or two.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz.distance import OSA

from idv.documents.check_digits import FILLER
from idv.documents.transliteration import is_spelling, spellings

_DIGIT_LOOK_ALIKES = str.maketrans("01258", "OIZSB")
_DIGRAPHS = (("AE", "A"), ("OE", "O"), ("UE", "U"), ("AA", "A"), ("SS", "S"))
"""Ä is AE in one place and A in another; both sides lose the difference."""
_ONE_ERROR_FROM = 4
_TWO_ERRORS_FROM = 9
_LEAST_SURNAME_SHARE = 0.5
_NARROW = ("I", "J", "L")
"""Letters that an OCR loses at the end of a short name."""


@dataclass(frozen=True)
class PersonName:
    """A name in any script of ICAO Doc 9303-3; `truncated` when its last word may be cut short."""

    surname: str = field(default="", repr=False)
    given_names: str = field(default="", repr=False)
    truncated: bool = False


class NameSimilarity(NamedTuple):
    """How alike two names are, each in [0, 1]; 0 when a part contradicts. `None`: not compared."""

    surname: float | None
    given_names: float | None

    @property
    def score(self) -> float:
        """The worse of the two parts; 0 when nothing was compared."""
        parts = [part for part in self if part is not None]
        return min(parts, default=0.0)

    @property
    def same(self) -> bool:
        """Whether the names can belong to one person."""
        return self.score > 0


def compare_names(first: PersonName, second: PersonName) -> NameSimilarity:
    """Compare part by part; a part that either side lacks is not compared. Symmetric."""
    cut = first.truncated or second.truncated
    return NameSimilarity(
        _part(first.surname, second.surname, cut=cut, least_share=_LEAST_SURNAME_SHARE),
        _part(first.given_names, second.given_names, cut=cut, least_share=0.0),
    )


def compare_full_name(full_name: str, name: PersonName) -> NameSimilarity:
    """Compare an undivided name with a divided one: the surname must be in it, and one given name."""
    return NameSimilarity(
        _within(name.surname, full_name, cut=name.truncated, all_words=True),
        _within(name.given_names, full_name, cut=name.truncated, all_words=False),
    )


def names_agree(printed: str, stated: str, *, cut: bool) -> bool:
    """Whether one name part is the same in print and in another zone but for what an OCR errs.

    All zones of a document are filled from one record: each word stated must be printed, with no two letters
    lost; a title or a former name may be printed besides. A name printed in two scripts, `ИВАНОВ / IVANOV`,
    must agree in each. `cut`: the zone was too short for the name, so that words may be cut to beginnings.
    """
    scripts = [part for part in printed.split("/") if part.strip()]
    return all(_stated_alike(script, stated, cut=cut) for script in scripts)


def _stated_alike(printed: str, stated: str, *, cut: bool) -> bool:
    if is_spelling(printed, stated):
        return True
    pairs = itertools.product(_readings(printed), _readings(stated))
    return any(_all_found(words, wanted, cut=cut) for words, wanted in pairs)


def _all_found(words: Sequence[str], wanted: Sequence[str], *, cut: bool) -> bool:
    """Whether each wanted word is one of the words, each once, or all join to the same."""
    if _nearly("".join(words), "".join(wanted), cut=cut):
        return True
    left = list(words)
    for word in wanted:
        partner = next((other for other in left if _nearly(other, word, cut=cut)), None)
        if partner is None:
            return False
        left.remove(partner)
    return bool(wanted)


def _nearly(word: str, wanted: str, *, cut: bool) -> bool:
    """Equal but for a letter or two taken for others, and no more than one lost; or cut to its beginning."""
    shorter, longer = sorted((word, wanted), key=len)
    if cut and wanted and word.startswith(wanted):
        return True
    if len(longer) - len(shorter) > 1:
        return False
    errors = OSA.distance(shorter, longer)
    if errors == 1 and len(word) < len(wanted) and word:
        return any(wanted.replace(narrow, "", 1) == word for narrow in _NARROW) or _tolerated(wanted) > 0
    return errors <= _tolerated(longer)


def _tolerated(word: str) -> int:
    """How many letters may be misread."""
    return (len(word) >= _ONE_ERROR_FROM) + (len(word) >= _TWO_ERRORS_FROM)


def _part(first: str, second: str, *, cut: bool, least_share: float) -> float | None:
    pairs = list(itertools.product(_readings(first), _readings(second)))
    scores = [_words_alike(a, b, cut=cut, least_share=least_share) for a, b in pairs if a and b]
    return max(scores, default=None)


def _within(part: str, full_name: str, *, cut: bool, all_words: bool) -> float | None:
    """How well the words of `part` are found in a full name; None when either is empty."""
    scores = []
    for words, pool in itertools.product(_readings(part), _readings(full_name)):
        if words and pool:
            found = [max(_word_alike(word, other, cut=cut) for other in _with_joined(pool)) for word in words]
            whole = max(_word_alike("".join(words), other, cut=cut) for other in _with_joined(pool))
            hits = [score for score in found if score > 0]
            complete = bool(hits) and (len(hits) == len(found) or not all_words)
            scores.append(max(whole, sum(hits) / len(hits) if complete else 0.0))
    return max(scores, default=None)


def _with_joined(words: Sequence[str]) -> Iterator[str]:
    """The words, and neighbours written as one."""
    yield from words
    for length in range(2, len(words) + 1):
        for start in range(len(words) - length + 1):
            yield "".join(words[start : start + length])


def _readings(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of a name in each spelling, reduced to what spellings share."""
    folded = text.upper().translate(_DIGIT_LOOK_ALIKES)
    return tuple(dict.fromkeys(_reduced(spelling) for spelling in spellings(folded)))


def _reduced(spelling: str) -> tuple[str, ...]:
    return tuple(_reduced_word(word) for word in spelling.split(FILLER) if word)


def _reduced_word(word: str) -> str:
    """The word without the choice of digraphs; two letters stay, or they would look like an initial."""
    for pair, letter in _DIGRAPHS:
        word = word.replace(pair, letter) if len(word) > len(pair) else word
    return word


def _words_alike(first: Sequence[str], second: Sequence[str], *, cut: bool, least_share: float) -> float:
    """Mean likeness of the words of the shorter name to their best partners; 0 if one has none."""
    joined = _word_alike("".join(first), "".join(second), cut=cut)
    few, many = sorted((tuple(first), tuple(second)), key=_by_size)
    left = list(many)
    scores = []
    for word in sorted(few, key=len, reverse=True):
        best = max(left, key=lambda other: (_word_alike(word, other, cut=cut), other))
        scores.append(_word_alike(word, best, cut=cut))
        left.remove(best)
    share = 1 - len("".join(left)) / len("".join(many))
    complete = min(scores) > 0 and (share >= least_share or cut)
    return max(joined, sum(scores) / len(scores) if complete else 0.0)


def _by_size(words: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
    """Fewest words, then fewest letters; the words themselves last, so that order never decides."""
    return len(words), len("".join(words)), words


def _word_alike(first: str, second: str, *, cut: bool) -> float:
    """1 for equal words, half for an initial, less by each error in proportion, 0 beyond the tolerated."""
    shorter, longer = sorted((first, second), key=lambda word: (len(word), word))
    if shorter == longer:
        return 1.0
    if cut and longer.startswith(shorter):
        return 1.0
    if len(shorter) == 1 and longer.startswith(shorter):
        return 0.5
    errors = OSA.distance(shorter, longer)
    return 1.0 - errors / len(longer) if errors <= _tolerated(longer) else 0.0
