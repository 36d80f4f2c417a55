"""Labels from life as coverage and as a run."""

from pathlib import Path

import numpy as np
import pytest

from idv.domain.decisions import Decision
from idv.domain.errors import RequestError
from idv.domain.eval_sets import Part
from idv.domain.labels import Truth
from idv.domain.live import LiveCase
from idv.domain.results import CheckName, Outcome
from idv.evaluation.monitoring.coverage import coverage
from idv.evaluation.monitoring.labelled import labelled_run
from idv.evaluation.monitoring.observations import observe
from idv.evaluation.runs.record import Code
from idv.evaluation.runs.tables import read_run, write_run
from tests.unit.evaluation.monitoring.live import AT, case, result

FRAUD, GENUINE = Truth.FRAUD_CONFIRMED, Truth.GENUINE_CONFIRMED
CODE = Code("c" * 40, dirty=False, packages={})
LIVENESS = CheckName.LIVENESS


def cases() -> list[LiveCase]:
    """A hundred accepted of which two are labelled; fifty reviewed, with low scores, of which forty are."""
    accepted = [case(n, result(2.0 + n), truth=FRAUD if n < 2 else None) for n in range(100)]
    reviewed = [
        case(100 + n, result(-1.0 - n), decision=Decision.REVIEW, truth=GENUINE if n < 40 else None)
        for n in range(50)
    ]
    return [*accepted, *reviewed]


def test_coverage_counts_by_decision_and_by_fifths_of_scores() -> None:
    """Every verification stands in one stratum of each division."""
    found = coverage(cases())
    assert (found.total, found.labelled, found.fraud) == (150, 42, 2)
    by_decision = {s.name: (s.total, s.labelled, s.fraud) for s in found.strata["decision"]}
    assert by_decision == {"accept": (100, 2, 2), "review": (50, 40, 0)}
    fifths = found.strata["score of liveness"]
    assert [stratum.total for stratum in fifths] == [30] * 5
    assert sum(stratum.labelled for stratum in fifths) == 42


def test_selection_bias_is_named() -> None:
    """Reviewed cases were labelled much rather than accepted ones."""
    assert coverage(cases()).biased == ("decision", "score of liveness")


def test_labels_drawn_by_lot_show_no_bias() -> None:
    """Every third of each."""
    drawn = [case(n, result(float(n % 50)), truth=GENUINE if n % 3 == 0 else None) for n in range(300)]
    assert coverage(drawn).biased == ()


def test_scores_that_are_all_alike_are_one_stratum() -> None:
    """Fifths of nothing but ties do not exist; nor does a division of no verifications."""
    (stratum,) = coverage([case(n, result(1.0)) for n in range(5)]).strata["score of liveness"]
    assert stratum.total == 5
    assert coverage([]).strata == {"decision": ()}


def test_labelled_scores_become_a_run_that_can_be_stored(tmp_path: Path) -> None:
    """Genuine and fraud with their live scores, half of them for tuning, without any identifier."""
    run = labelled_run(list(observe(cases())), LIVENESS, code=CODE, now=AT)
    write_run(run, tmp_path / "r")
    read = read_run(tmp_path / "r")
    assert read.record == run.record
    assert sorted(read.table.items.genuine.tolist()) == [0, 0] + [1] * 40
    assert set(read.table.items.part.names) == {Part.TUNE, Part.TEST}
    assert read.record.check_digest == "d"
    assert not any("v0" in name for name in read.table.items.ids)
    tune, test = (len(read.table.trials(part)) for part in (Part.TUNE, Part.TEST))
    assert tune + test == 42
    assert min(tune, test) > 8


def test_a_verification_stays_in_its_half_as_labels_come_in() -> None:
    """Otherwise a threshold would be tested on what it was tuned on."""
    few = labelled_run(list(observe(cases()[100:110])), LIVENESS, code=CODE, now=AT)
    more = labelled_run(list(observe(cases()[100:])), LIVENESS, code=CODE, now=AT)
    parts = [np.array(run.table.items.part.names)[run.table.items.part.codes].tolist() for run in (few, more)]
    assert parts[1][:10] == parts[0]


def test_only_scores_of_the_newest_models_are_cut_together() -> None:
    """What earlier models said cannot be compared with a threshold for the new ones."""
    old = case(0, result(5.0, check_digest="old"), truth=FRAUD)
    run = labelled_run(list(observe([old, *cases()])), LIVENESS, code=CODE, now=AT)
    assert 5.0 not in run.table.items.score[run.table.items.genuine == 0]
    assert len(run.table.items.ids) == 42


def test_a_missing_score_stays_a_row() -> None:
    """A fraud that no score was computed for was not accepted either."""
    run = labelled_run(
        list(observe([case(0, result(None, Outcome.INCONCLUSIVE), truth=FRAUD)])), LIVENESS, code=CODE, now=AT
    )
    assert run.table.items.score.tolist() == [-np.inf]


def test_what_cannot_become_a_run_is_named() -> None:
    """No labels, or two providers whose scores mean different things."""
    with pytest.raises(RequestError) as raised:
        labelled_run(list(observe([case(0, result())])), LIVENESS, code=CODE, now=AT)
    assert raised.value.code == "labels_missing"
    two = [case(0, result(), truth=FRAUD), case(1, result(provider="vendor"), truth=GENUINE)]
    with pytest.raises(RequestError) as raised:
        labelled_run(list(observe(two)), LIVENESS, code=CODE, now=AT)
    assert raised.value.code == "providers_mixed"
