"""Facts about scores made elsewhere: each lands on its item, and a file that cannot be right is refused."""

from pathlib import Path

import numpy as np
import pytest

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Comparisons, EvalSet
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName
from idv.domain.score_tables import OUTCOMES
from idv.evaluation.runs.csv_scores import CsvCandidate, read_scores
from tests.unit.evaluation.runs.stand_ins import items_of, measured, set_of


@pytest.fixture
def items(tmp_path: Path) -> EvalSet:
    """Three items that are judged by themselves."""
    return set_of(items_of(tmp_path, {"a": b"", "b": b"", "c": b""}))


@pytest.fixture
def faces(tmp_path: Path) -> EvalSet:
    """Two faces to choose from and two to report on: two comparisons."""
    files = {"a-tune": b"", "b-tune": b"", "c": b"", "d": b""}
    found = items_of(tmp_path, files, role=ImageRole.REFERENCE)
    return set_of(found, CheckName.FACE_MATCH, comparisons=Comparisons.ALL_PAIRS)


def scores(text: str, eval_set: EvalSet, *, partial: bool = False) -> CsvCandidate:
    """A candidate of a file with this text."""
    return CsvCandidate(Path("vendor.csv"), eval_set.check, text.encode(), partial)


def test_scores_land_on_their_items(items: EvalSet, tmp_path: Path) -> None:
    """In any order, with what else the file says; what nobody here knows is an unknown answer."""
    text = (
        "note,score,item,outcome,reasons,latency_ms,cost\n"
        "x,0.25,c,fail,presentation_attack,120,0.4\n"
        "y,,b,FAULT,no_face;made_up,30,\n"
        "z,0.75,a,pass,,10,0.4\n"
    )
    run = measured(items, scores(text, items), tmp_path)
    table = run.table.items
    assert table.score.tolist() == [0.75, -np.inf, 0.25]
    assert [OUTCOMES[code].value for code in table.outcome] == ["pass", "inconclusive", "fail"]
    assert table.reasons == ("", "no_face;provider_answer_unknown", "presentation_attack")
    assert table.latency_ms.tolist() == [10, 30, 120]
    assert table.cost.tolist() == pytest.approx([0.4, 0, 0.4])
    assert (run.record.provider, run.record.candidate) == ("vendor", "vendor.csv")


def test_a_bare_score_decides_nothing(items: EvalSet, tmp_path: Path) -> None:
    """Without an outcome there is a score but no threshold; a pass without a score is none."""
    bare = measured(items, scores("item,score\na,1\nb,2\nc,\n", items), tmp_path / "bare")
    assert [OUTCOMES[code].value for code in bare.table.items.outcome] == ["inconclusive"] * 3
    assert bare.table.items.reasons == ("no_operating_point", "no_operating_point", "")
    claimed = scores("item,score,outcome\na,1,pass\nb,,pass\nc,1,pass\n", items)
    run = measured(items, claimed, tmp_path / "claimed")
    assert [OUTCOMES[code].value for code in run.table.items.outcome] == ["pass", "inconclusive", "pass"]
    assert run.table.items.reasons[1] == "score_not_finite"


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("item,score\na,1\nb,nan\nc,1\n", "score_not_finite", "line 3: score"),
        ("item,score\na,1\nb,inf\nc,1\n", "score_not_finite", "line 3: score"),
        ("item,score\na,1\nb,good\nc,1\n", "score_not_finite", "line 3: score"),
        ("item,score,cost\na,1,1\nb,1,nan\nc,1,1\n", "score_not_finite", "line 3: cost"),
        ("item,score\na,1\nb,1\nc,1\nd,1\n", "item_unknown", "line 5"),
        ("item,score\na,1\nb,1\na,1\nc,1\n", "item_duplicate", "line 4"),
        ("item,score\na,1\nb,1\n", "item_missing", "1 items"),
        ("item,points\na,1\n", "scores_columns", "item,score"),
        ("item,item_b,score\na,b,1\n", "scores_columns", "item,score"),
        ("item,score\na,1,2\nb,1\nc,1\n", "scores_columns", "line 2"),
        ("", "scores_columns", "item,score"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused(
    items: EvalSet, tmp_path: Path, text: str, code: str, told: str
) -> None:
    """The error has a name and says on which line, and nothing of a run is left behind."""
    with pytest.raises(RequestError, match=told) as refused:
        measured(items, scores(text, items), tmp_path)
    assert refused.value.code == code
    assert list((tmp_path / "runs").iterdir()) == []


def test_what_is_left_out_can_count_as_a_failure(items: EvalSet, tmp_path: Path) -> None:
    """Partial results are taken when that is asked for, and the gaps are rows without a score."""
    run = measured(items, scores("item,score,outcome\nb,1,pass\n", items, partial=True), tmp_path)
    assert [OUTCOMES[code].value for code in run.table.items.outcome] == [
        "inconclusive",
        "pass",
        "inconclusive",
    ]
    assert run.table.items.reasons == ("check_missing", "", "check_missing")


def test_comparisons_land_where_they_belong(faces: EvalSet, tmp_path: Path) -> None:
    """In either direction and any order; cost and time stand with a comparison's first item."""
    text = "item,item_b,score,latency_ms,cost\nd,c,0.5,20,0.1\na-tune,b-tune,-1,10,0.1\n"
    run = measured(faces, scores(text, faces), tmp_path)
    assert run.table.pairs is not None
    ids = run.table.items.ids
    pairs = run.table.pairs
    found = {(ids[a], ids[b]): s for a, b, s in zip(pairs.a, pairs.b, pairs.score, strict=True)}
    assert found == {("a-tune", "b-tune"): -1, ("c", "d"): 0.5}
    assert run.table.items.latency_ms.tolist() == [10, 0, 20, 0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("item,item_b,score\nc,d,1\na-tune,c,1\n", "pair_unknown"),
        ("item,item_b,score\nc,d,1\nc,e,1\n", "pair_unknown"),
        ("item,item_b,score\nc,d,1\nd,c,1\na-tune,b-tune,1\n", "pair_duplicate"),
        ("item,item_b,score\nc,d,1\n", "pair_missing"),
        ("item,score\nc,1\n", "scores_columns"),
    ],
)
def test_comparisons_that_cannot_be_right_are_refused(
    faces: EvalSet, tmp_path: Path, text: str, code: str
) -> None:
    """A comparison across parts, with an unknown item, twice, or not at all is a named error."""
    with pytest.raises(RequestError) as refused:
        measured(faces, scores(text, faces), tmp_path)
    assert refused.value.code == code


def test_comparisons_left_out_are_failures(faces: EvalSet, tmp_path: Path) -> None:
    """A gap is -inf, and its items say why."""
    run = measured(faces, scores("item,item_b,score\nc,d,1\n", faces, partial=True), tmp_path)
    assert run.table.pairs is not None
    assert run.table.pairs.score.tolist().count(-np.inf) == 1
    assert run.table.items.reasons == ("check_missing", "check_missing", "", "")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    """A file that cannot be read is a fault of the candidate's name."""
    with pytest.raises(RequestError) as refused:
        read_scores(tmp_path / "nothing.csv", CheckName.LIVENESS)
    assert (refused.value.code, refused.value.field) == ("scores_unreadable", "candidate")
