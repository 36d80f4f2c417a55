"""What is in a set, in numbers: for `describe`, for the skeleton of its card, for the difference of two."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from idv.domain.eval_sets import Comparisons, EvalItem, EvalSet, Part
from idv.metrics.intervals import rule_of_three

CONFIDENCE = 0.95


class Floor(NamedTuple):
    """The upper bound that a rate has when not one error is seen: `trials` at most, `subjects` at least."""

    what: str
    trials: int
    subjects: int
    by_trials: float
    by_subjects: float


@dataclass(frozen=True)
class Contents:
    """Counts of a set. `values`: column -> value -> items; `floors`: what the set can show at best."""

    items: int
    files: int
    subjects: int
    comparisons: Mapping[str, int]
    values: Mapping[str, Mapping[str, int]]
    floors: Sequence[Floor]


class Difference(NamedTuple):
    """Items by identifier: only in one of two sets, or in both with other content; and changed heads.

    `counts`: column -> value -> how many in the one and in the other, where the two differ.
    """

    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    head: Mapping[str, tuple[str, str]]
    counts: Mapping[str, Mapping[str, tuple[int, int]]]


def contents_of(given: EvalSet) -> Contents:
    """Count everything; comparisons by part and truth."""
    items = given.items
    columns: dict[str, Counter[str]] = {
        "part": Counter(item.part.value for item in items),
        "label": Counter(item.label.value if item.label else "none" for item in items),
        "species": Counter(item.species for item in items if item.species),
    }
    for name in sorted({name for item in items for name in item.slices}):
        columns[name] = Counter(item.slices.get(name, "unknown") for item in items)
    return Contents(
        items=len(items),
        files=sum(len(item.media) for item in items),
        subjects=len({item.subject for item in items if item.subject}),
        comparisons=_comparisons(given),
        values={name: dict(sorted(counts.items())) for name, counts in columns.items() if counts},
        floors=_floors(given),
    )


def difference(a: EvalSet, b: EvalSet) -> Difference:
    """What changed from one set, or version, to another."""
    first, second = ({item.id: item for item in given.items} for given in (a, b))
    changed = {
        name: fields
        for name in first
        if name in second and (fields := _changed_fields(first[name], second[name]))
    }
    head = {
        name: (str(getattr(a, name)), str(getattr(b, name)))
        for name in ("name", "version", "check", "comparisons", "description", "licence", "limits")
        if getattr(a, name) != getattr(b, name)
    }
    return Difference(
        tuple(name for name in first if name not in second),
        tuple(name for name in second if name not in first),
        changed,
        head,
        _changed_counts(contents_of(a), contents_of(b)),
    )


def pairs_across_parts(given: EvalSet) -> int:
    """How many listed comparisons have their items in two parts, so that no part holds them."""
    if given.pairs is None:
        return 0
    parts = [item.part for item in given.items]
    return sum(parts[a] is not parts[b] for a, b in given.pairs.tolist())


def _changed_counts(a: Contents, b: Contents) -> dict[str, dict[str, tuple[int, int]]]:
    found = {}
    first, second = (_all_counts(contents) for contents in (a, b))
    for column in dict.fromkeys([*first, *second]):
        before, after = first.get(column, {}), second.get(column, {})
        counts = {
            value: (before.get(value, 0), after.get(value, 0)) for value in dict.fromkeys([*before, *after])
        }
        changed = {value: both for value, both in counts.items() if both[0] != both[1]}
        if changed:
            found[column] = changed
    return found


def _all_counts(contents: Contents) -> Mapping[str, Mapping[str, int]]:
    """Columns by value, the totals among them."""
    totals = {"items": contents.items, "files": contents.files, "subjects": contents.subjects}
    return {"all": totals, "comparisons": contents.comparisons, **contents.values}


def _changed_fields(a: EvalItem, b: EvalItem) -> tuple[str, ...]:
    names = ("part", "subject", "session", "label", "species", "slices", "truth")
    changed = [name for name in names if getattr(a, name) != getattr(b, name)]
    if {role: ref.sha256 for role, ref in a.media.items()} != {
        role: ref.sha256 for role, ref in b.media.items()
    }:
        changed.append("media")
    return tuple(changed)


# --- comparisons and floors -----------------------------------------------------------------------------


def _comparisons(given: EvalSet) -> dict[str, int]:
    """Pairs within each part: mated and not."""
    counts: dict[str, int] = {}
    for part in Part:
        mated, other = _pairs_of(given, part)
        if mated or other:
            counts |= {f"{part} mated": mated, f"{part} non-mated": other}
    return counts


def _pairs_of(given: EvalSet, part: Part) -> tuple[int, int]:
    """Mated and non-mated comparisons whose two items are both of this part and known."""
    if given.comparisons is Comparisons.NONE:
        return 0, 0
    subjects = [item.subject if item.part is part else None for item in given.items]
    if given.pairs is not None:
        known = [(subjects[a], subjects[b]) for a, b in given.pairs.tolist() if subjects[a] and subjects[b]]
        mated = sum(a == b for a, b in known)
        return mated, len(known) - mated
    sizes = np.array(list(Counter(filter(None, subjects)).values()), np.int64)
    mated = int((sizes * (sizes - 1) // 2).sum())
    total = int(sizes.sum())
    return mated, total * (total - 1) // 2 - mated


def _mated_subjects(given: EvalSet, part: Part) -> int:
    """How many subjects have a mated comparison: the others cannot show a false non-match."""
    subjects = [item.subject if item.part is part else None for item in given.items]
    if given.pairs is not None:
        return len(
            {subjects[a] for a, b in given.pairs.tolist() if subjects[a] and subjects[a] == subjects[b]}
        )
    return sum(count > 1 for count in Counter(filter(None, subjects)).values())


def _floors(given: EvalSet) -> list[Floor]:
    floors = []
    for part in Part:
        mine = [item for item in given.items if item.part is part]
        if given.comparisons is not Comparisons.NONE:
            mated, other = _pairs_of(given, part)
            floors.append(_floor(f"{part} mated", mated, _mated_subjects(given, part)))
            people = len({item.subject for item in mine if item.subject})
            floors.append(_floor(f"{part} non-mated", other, people))
            continue
        groups = Counter((item.label.value, item.species or "") for item in mine if item.label)
        for label, species in sorted(groups):
            group = [item for item in mine if item.label == label and (item.species or "") == species]
            # An item whose subject nobody knows counts as a subject of its own.
            people = len({item.subject or item.id for item in group})
            floors.append(_floor(" ".join(filter(None, [part, label, species])), len(group), people))
    return [floor for floor in floors if floor.trials]


def _floor(what: str, trials: int, subjects: int) -> Floor:
    """Subjects are what is independent: trials of one subject repeat each other."""
    bounds = [rule_of_three(n, confidence=CONFIDENCE) if n else 1.0 for n in (trials, subjects)]
    return Floor(what, trials, subjects, bounds[0], bounds[1])
