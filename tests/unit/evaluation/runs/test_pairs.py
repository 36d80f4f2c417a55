"""Facts about comparing in blocks: every comparison once, in order, the same as one by one."""

import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import StorageUnavailable
from idv.domain.eval_sets import Comparisons, EvalItem, MediaRef, Part
from idv.domain.evidence import ImageRole
from idv.domain.faces import FaceTemplate
from idv.domain.results import CheckName
from idv.evaluation.runs.comparisons import comparisons_of
from idv.evaluation.runs.pairs import score_pairs
from tests.unit.evaluation.runs.stand_ins import ByteMatch, set_of


def item(number: int, part: Part) -> EvalItem:
    """An item of some part."""
    return EvalItem(f"i{number}", {ImageRole.REFERENCE: MediaRef(f"{number}")}, part=part)


def template(value: float) -> FaceTemplate:
    """A point in the plane."""
    return FaceTemplate((("bytes", np.array([value, value * value], np.float32)),))


def checked(parts: list[Part], values: list[float | None], scratch: Path) -> None:
    """Compare in blocks, and one by one."""
    items = [item(number, part) for number, part in enumerate(parts)]
    eval_set = set_of(items, CheckName.FACE_MATCH, comparisons=Comparisons.ALL_PAIRS)
    templates = [None if value is None else template(value) for value in values]
    pairs = score_pairs(eval_set, templates, ByteMatch(), scratch=scratch)
    a, b = comparisons_of(eval_set)
    np.testing.assert_array_equal(pairs.a, a)
    np.testing.assert_array_equal(pairs.b, b)
    wanted = {(i, j) for j in range(len(items)) for i in range(j) if parts[i] is parts[j]}
    assert set(zip(a.tolist(), b.tolist(), strict=True)) == wanted
    assert a.size == len(wanted)
    for i, j, score in zip(a.tolist(), b.tolist(), pairs.score.tolist(), strict=True):
        one, other = values[i], values[j]
        apart = np.inf if one is None or other is None else np.hypot(one - other, one * one - other * other)
        assert score == pytest.approx(-apart)


@given(
    st.lists(
        st.tuples(st.sampled_from(Part), st.one_of(st.none(), st.integers(-9, 9).map(float))), max_size=8
    )
)
def test_every_two_items_of_a_part_are_compared_once(
    tmp_path_factory: pytest.TempPathFactory, items: list[tuple[Part, float | None]]
) -> None:
    """Any mixture of parts and missing templates, none and one item included."""
    checked([part for part, _ in items], [value for _, value in items], tmp_path_factory.getbasetemp())


def test_blocks_meet_without_gap_or_overlap(tmp_path: Path) -> None:
    """More items than a block has rows, of which every seventh has no template."""
    values = [None if i % 7 == 0 else float(i % 50) for i in range(530)]
    checked([Part.TEST] * 530, values, tmp_path)


def test_listed_comparisons_cross_parts_and_blocks(tmp_path: Path) -> None:
    """More comparisons than a block holds, in either direction, with themselves and across parts."""
    rng = np.random.default_rng(0)
    listed = rng.integers(0, 40, (9000, 2)).astype(np.int32)
    items = [item(n, Part.TUNE if n % 2 else Part.TEST) for n in range(40)]
    eval_set = set_of(items, CheckName.FACE_MATCH, comparisons=Comparisons.LISTED, pairs=listed)
    templates = [template(float(n)) for n in range(40)]
    pairs = score_pairs(eval_set, templates, ByteMatch(), scratch=tmp_path)
    np.testing.assert_array_equal(np.stack([pairs.a, pairs.b], axis=1), listed)
    one, other = listed[:, 0].astype(float), listed[:, 1].astype(float)
    np.testing.assert_allclose(pairs.score, -np.hypot(one - other, one**2 - other**2), rtol=1e-12)


def test_a_score_that_is_no_number_is_none(tmp_path: Path) -> None:
    """A template that is not a number, or too large for one, is a failure and not a match."""
    items = [item(n, Part.TEST) for n in range(3)]
    eval_set = set_of(items, CheckName.FACE_MATCH, comparisons=Comparisons.ALL_PAIRS)
    templates = [template(1.0), template(float("nan")), template(2.0)]
    pairs = score_pairs(eval_set, templates, ByteMatch(), scratch=tmp_path)
    assert pairs.score.tolist() == [-np.inf, -np.hypot(1, 3), -np.inf]


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    """Before anything is compared, and not by a signal that kills the process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    items = [item(n, Part.TEST) for n in range(100)]
    eval_set = set_of(items, CheckName.FACE_MATCH, comparisons=Comparisons.ALL_PAIRS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        with pytest.raises(StorageUnavailable) as refused:
            score_pairs(eval_set, [template(1.0)] * 100, ByteMatch(), scratch=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused.value.code == "scores_not_written"


def test_no_file_is_left_behind(tmp_path: Path) -> None:
    """The columns' files have no name, so a kill leaves none either."""
    checked([Part.TEST] * 3, [1.0, 2.0, None], tmp_path)
    assert not list(tmp_path.iterdir())
