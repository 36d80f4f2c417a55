"""Facts about differentials: how unlike groups are, in one rate and in both sides of a match."""

from collections.abc import Mapping, Sequence

import pytest

from idv.evaluation.reports.equity import differentials, equities, measures
from idv.evaluation.reports.figures import Figure, Resampling
from idv.evaluation.reports.slices import DIFFERENT, SAME, SliceRow, SliceTable, slice_tables
from tests.unit.evaluation.reports.made_runs import face_run, liveness_run

Group = tuple[float | None, int]


def _table(rates: Mapping[str, Group], **further: Sequence[Group]) -> SliceTable:
    """A slice of groups with an APCER of (value, subjects) each; further rates by name, in the same order."""
    columns = {"apcer": list(rates.values())} | {name: list(groups) for name, groups in further.items()}
    return SliceTable(
        "device",
        tuple(
            SliceRow(
                value,
                100,
                tuple(
                    Figure(name, name, "", value=groups[n][0], subjects=groups[n][1])
                    for name, groups in columns.items()
                ),
            )
            for n, value in enumerate(rates)
        ),
    )


def test_a_differential_names_the_highest_and_the_lowest_group() -> None:
    """4 % against 1 % is a ratio of four."""
    (made,) = differentials((_table({"a": (0.01, 50), "b": (0.04, 50), "c": (0.02, 50)}),))
    assert (made.highest, made.lowest) == ("b", "a")
    assert made.ratio == pytest.approx(4.0)
    assert 0 < made.gini < 1


def test_a_group_without_an_error_leaves_the_ratio_open() -> None:
    """Dividing by zero would call any difference infinite."""
    (made,) = differentials((_table({"a": (0.0, 50), "b": (0.04, 50)}),))
    assert made.ratio is None


@pytest.mark.parametrize(
    "rates", [{"a": (0.1, 50)}, {"a": (0.0, 50), "b": (0.0, 50)}, {"a": (0.1, 50), "b": (0.9, 4)}]
)
def test_what_cannot_be_compared_has_no_differential(rates: dict[str, tuple[float, int]]) -> None:
    """One group, no errors, or a group of four people say nothing."""
    assert differentials((_table(rates),)) == ()


def _faces(fmr: Sequence[float | None], fnmr: Sequence[float | None], subjects: int = 50) -> SliceTable:
    """Groups a, b, … with these rates."""
    names = dict.fromkeys("abcdef"[: len(fmr)], (None, subjects))
    sides = {"fmr": [(v, subjects) for v in fmr], "fnmr": [(v, subjects) for v in fnmr]}
    return _table(names, **sides)


def test_both_sides_of_a_match_are_summed_up_by_hand() -> None:
    """FMR of 1 % and 4 % has ratio 4 and Gini 0.6; FNMR of 2 % each is alike."""
    (made,) = equities((_faces([0.01, 0.04], [0.02, 0.02]),))
    assert made.groups == ("a", "b")
    assert made.garbe == pytest.approx(0.3)
    assert made.fairness_discrepancy_rate == pytest.approx(0.985)
    assert made.inequity_rate == pytest.approx(2.0)
    assert made.why == ""


def test_a_group_without_an_error_leaves_the_inequity_rate_open_and_says_why() -> None:
    """The others are still defined."""
    (made,) = equities((_faces([0.0, 0.04], [0.02, 0.02]),))
    assert made.inequity_rate is None
    assert "no error" in made.why
    assert made.garbe == pytest.approx(0.5)
    shown = {line.name: line for line in measures((), (made,), "device")}
    assert shown["inequity rate"].meaning == made.why
    assert shown["GARBE"].meaning != made.why


def test_without_any_error_only_the_discrepancy_is_defined() -> None:
    """Nobody is treated worse, and nothing can be divided by nothing."""
    (made,) = equities((_faces([0.0, 0.0], [0.02, 0.03]),))
    assert (made.garbe, made.inequity_rate) == (None, None)
    assert made.fairness_discrepancy_rate == pytest.approx(0.995)


@pytest.mark.parametrize(
    "table",
    [
        _faces([0.1], [0.1]),
        _faces([0.1, 0.2], [0.1, None]),
        _faces([0.1, 0.2], [0.1, 0.2], subjects=4),
        _table({"a": (0.1, 50), "b": (0.2, 50)}),
        _table({SAME: (None, 50), DIFFERENT: (None, 50)}, fmr=[(0.1, 50)] * 2, fnmr=[(0.1, 50)] * 2),
    ],
    ids=["one group", "a side unknown in one", "few subjects", "no comparisons", "sums are no groups"],
)
def test_what_has_not_both_sides_in_two_groups_has_no_equity(table: SliceTable) -> None:
    """Nothing is said instead of something that rests on one group."""
    assert equities((table,)) == ()


def test_a_run_of_comparisons_has_all_five_measures_of_a_slice() -> None:
    """Ratio and Gini of each rate, and the three that sum up both; single items have the first two."""
    run, how = face_run(), Resampling(resamples=20)
    tables = slice_tables(run, run.table.trials(), 2.0, how)
    names = [line.name for line in measures(differentials(tables), equities(tables), "group")]
    assert names[:2] == ["FMR highest to lowest", "FMR Gini"]
    assert names[-3:] == ["GARBE", "fairness discrepancy rate", "inequity rate"]
    single = liveness_run()
    assert equities(slice_tables(single, single.table.trials(), 0.0, how)) == ()
    assert measures(differentials(tables), equities(tables), "another slice") == ()
