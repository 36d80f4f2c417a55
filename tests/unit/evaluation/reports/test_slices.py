"""Facts about slices: what belongs where."""

import numpy as np

from idv.evaluation.reports.figures import Resampling
from idv.evaluation.reports.slices import DIFFERENT, SAME, memberships, slice_tables
from tests.unit.evaluation.reports.made_runs import face_run, factor, liveness_run

QUICK = Resampling(resamples=40)


def test_a_comparison_belongs_to_the_value_both_items_share() -> None:
    """North with north is north, north with south is neither, and unknown stays unknown."""
    run = face_run(people=4, shots=1, missing=0)
    trials = run.table.trials()
    group = factor(["north", "south", "north", None])
    codes = dict(
        zip(
            zip(trials.row_a.tolist(), trials.row_b.tolist(), strict=True),
            memberships(group, trials).codes.tolist(),
            strict=True,
        )
    )
    assert codes[0, 2] == 0
    assert codes[0, 1] == codes[1, 2] == -2
    assert codes[0, 3] == codes[2, 3] == -1


def test_impostors_of_the_same_group_are_a_slice_of_their_own() -> None:
    """They look more alike in the made run, so their FMR is higher than that across groups."""
    run = face_run()
    (table,) = slice_tables(run, run.table.trials(), 2.0, QUICK)
    fmr = {row.value: row.figures[0] for row in table.rows}
    assert list(fmr) == ["north", "south", SAME, DIFFERENT]
    assert fmr[SAME].value > fmr[DIFFERENT].value  # type: ignore[operator] # both have trials
    assert fmr[SAME].trials == fmr["north"].trials + fmr["south"].trials


def test_rows_of_a_slice_partition_the_trials() -> None:
    """Single items have no comparison across, and every one is somewhere."""
    run = liveness_run()
    trials = run.table.trials()
    (table,) = slice_tables(run, trials, 0.0, QUICK)
    assert sum(row.trials for row in table.rows) == len(trials)
    assert table.rows[0].value == "phone"


def test_rare_values_are_left_out_and_counted() -> None:
    """A slice of thirty values shows twenty and says that ten are missing."""
    run = liveness_run(count=240)
    factors = {"model": factor([f"m{i % 30}" for i in range(240)])}
    object.__setattr__(run.table.items, "slices", factors)
    (table,) = slice_tables(run, run.table.trials(), 0.0, QUICK)
    assert (len(table.rows), table.left_out) == (20, 10)


def test_unknown_values_are_counted() -> None:
    """Trials whose value the source did not give are not silently dropped."""
    run = liveness_run(count=40)
    object.__setattr__(run.table.items, "slices", {"device": factor([None] * 10 + ["phone"] * 30)})
    trials = run.table.trials()
    (table,) = slice_tables(run, trials, 0.0, QUICK)
    assert table.unknown == int(np.isin(trials.row_a, np.arange(10)).sum())
