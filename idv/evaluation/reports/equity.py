"""How unlike the groups of a slice are: ratio and Gini of each rate, and what sums up FMR and FNMR."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from idv.evaluation.reports.slices import DIFFERENT, SAME, SliceTable
from idv.metrics.differentials import (
    fairness_discrepancy_rate,
    garbe,
    gini,
    inequity_rate,
    max_min_ratio,
)

Rates = Mapping[str, float]
_FEWEST_SUBJECTS = 5


@dataclass(frozen=True)
class Differential:
    """How far apart the groups of a slice lie in one rate (ISO/IEC 19795-10).

    `ratio`: highest over lowest, None where the lowest is zero. `gini` of the groups' rates, 0 is fair.
    """

    slice: str
    rate: str
    highest: str
    lowest: str
    ratio: float | None
    gini: float


@dataclass(frozen=True)
class Equity:
    """How far apart the same groups lie in FMR and FNMR together, both sides with weight one half.

    `garbe`, 0 is fair; `fairness_discrepancy_rate`, 1 is fair; `inequity_rate`, 1 is fair. None where a
    measure is undefined, and `why` says so. FMR is that of impostors of one's own group.
    """

    slice: str
    groups: tuple[str, ...]
    garbe: float | None
    fairness_discrepancy_rate: float
    inequity_rate: float | None
    why: str = ""


class Measure(NamedTuple):
    """One line of what a form of a report shows; `fair`: the value where all groups are alike."""

    name: str
    value: float | None
    fair: int
    meaning: str


def differentials(tables: Sequence[SliceTable]) -> tuple[Differential, ...]:
    """For each slice and rate with at least two groups of five or more subjects and an error in any."""
    return tuple(made for table in tables for made in _differentials(table))


def equities(tables: Sequence[SliceTable]) -> tuple[Equity, ...]:
    """For each slice that divides comparisons into at least two groups with both rates."""
    return tuple(made for table in tables if (made := _equity(table)) is not None)


def measures(
    differentials: Sequence[Differential], equities: Sequence[Equity], name: str
) -> tuple[Measure, ...]:
    """What is to be shown of the slice `name`."""
    lines = [line for d in differentials if d.slice == name for line in _of_rate(d)]
    return (*lines, *(line for e in equities if e.slice == name for line in _of_both(e)))


def _of_rate(found: Differential) -> Iterator[Measure]:
    rate = found.rate.upper()
    between = f"{found.highest} over {found.lowest}"
    why = between if found.ratio is not None else f"{between}, which has no error"
    yield Measure(f"{rate} highest to lowest", found.ratio, 1, why)
    yield Measure(f"{rate} Gini", found.gini, 0, "inequality of the groups' rates, at most 1")


def _of_both(found: Equity) -> Iterator[Measure]:
    mean = "mean of the Gini coefficients of FMR and FNMR" if found.garbe is not None else found.why
    yield Measure("GARBE", found.garbe, 0, mean)
    spread = "1 less the mean spread of FMR and FNMR; near 1 wherever rates are small"
    yield Measure("fairness discrepancy rate", found.fairness_discrepancy_rate, 1, spread)
    ratio = "geometric mean of the ratios of FMR and FNMR" if found.inequity_rate is not None else found.why
    yield Measure("inequity rate", found.inequity_rate, 1, ratio)


def _differentials(table: SliceTable) -> Iterator[Differential]:
    for name in dict.fromkeys(figure.name for row in table.rows for figure in row.figures):
        rates = _comparable(table, name)
        if len(rates) < 2 or not any(rates.values()):  # noqa: PLR2004 - one group cannot differ
            continue
        highest, lowest = max(rates, key=rates.__getitem__), min(rates, key=rates.__getitem__)
        ratio = max_min_ratio(rates) if rates[lowest] else None
        yield Differential(table.name, name, highest, lowest, ratio, gini(rates))


def _equity(table: SliceTable) -> Equity | None:
    fmr, fnmr = _comparable(table, "fmr"), _comparable(table, "fnmr")
    groups = tuple(name for name in fmr if name in fnmr)
    if len(groups) < 2:  # noqa: PLR2004 - one group cannot differ
        return None
    sides = ({name: fmr[name] for name in groups}, {name: fnmr[name] for name in groups})
    summed, ratio = _defined(garbe, sides), _defined(inequity_rate, sides)
    return Equity(
        slice=table.name,
        groups=groups,
        garbe=summed.value,
        fairness_discrepancy_rate=fairness_discrepancy_rate(*sides),
        inequity_rate=ratio.value,
        why=summed.why or ratio.why,
    )


class _Defined(NamedTuple):
    value: float | None
    why: str = ""


def _defined(measure: Callable[[Rates, Rates], float], sides: tuple[Rates, Rates]) -> _Defined:
    try:
        return _Defined(measure(*sides))
    except ValueError as undefined:
        return _Defined(None, str(undefined))


def _comparable(table: SliceTable, name: str) -> Mapping[str, float]:
    """Rates of groups with enough subjects to say anything."""
    return {
        row.value: figure.value
        for row in table.rows
        if row.value not in (SAME, DIFFERENT)
        for figure in row.figures
        if figure.name == name and figure.value is not None and figure.subjects >= _FEWEST_SUBJECTS
    }
