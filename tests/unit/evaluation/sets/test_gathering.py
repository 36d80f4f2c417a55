from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import EvalSetError
from idv.domain.eval_sets import Label, Part
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName
from idv.evaluation.sets.gathering import Described, Gathered, Split, gathered
from idv.evaluation.sets.media import MediaRoot


def _file(path: str, **said: str) -> Described:
    return Described(path=path, where=f"entry of {len(path)}", **said)  # type: ignore[arg-type] # texts only


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four files, of which two have the same bytes."""
    (tmp_path / "in").mkdir()
    for name, content in {"ann1": "1", "ann2": "2", "bob1": "3", "copy": "1"}.items():
        (tmp_path / "in" / name).write_text(content, encoding="utf-8")
    return tmp_path / "in"


def _gather(folder: Path, *described: Described, split: Split | None = None, **further: object) -> Gathered:
    return gathered(
        described,
        folder,
        check=CheckName.LIVENESS,
        split=split or Split(),
        **further,  # type: ignore[arg-type] # the two optional ones
    )


def test_items_do_not_depend_on_the_order_of_a_listing(folder: Path) -> None:
    """Identifiers come from digests and order the items."""
    described = [_file("ann1", subject="Ann"), _file("bob1", subject="Bob"), _file("ann2", subject="Ann")]
    forwards, backwards = _gather(folder, *described), _gather(folder, *reversed(described))
    assert forwards.items == backwards.items
    assert [item.id for item in forwards.items] == sorted(item.id for item in forwards.items)


def test_a_set_names_nobody_once_its_media_are_copied(folder: Path, tmp_path: Path) -> None:
    """Subjects are numbers, paths are gone, the media lie at their addresses."""
    root = MediaRoot(str(tmp_path / "media"))
    found = _gather(folder, _file("ann1", subject="Ann"), _file("bob1", subject="Bob"), store=root)
    assert {item.subject for item in found.items} == {"s00001", "s00002"}
    refs = [item.media[ImageRole.SELFIE] for item in found.items]
    assert [ref.path for ref in refs] == [None, None]
    assert all(root.has(ref) for ref in refs)


def test_media_left_in_place_keep_their_paths(folder: Path) -> None:
    """The source's folder is then the media root."""
    ref = _gather(folder, _file("ann1")).items[0].media[ImageRole.SELFIE]
    assert ref.path == "ann1"
    assert MediaRoot(str(folder)).bytes_of(ref) == b"1"


def test_the_same_file_under_two_names_is_one_item(folder: Path) -> None:
    """It is counted as met again; both paths lead to it."""
    found = _gather(folder, _file("ann1", label="attack"), _file("copy", label="attack"))
    assert len(found.items) == found.repeated == 1
    assert found.by_path["ann1"] == found.by_path["copy"]


@pytest.mark.parametrize("other", [{"label": "bona_fide"}, {"label": "attack", "subject": "Bob"}])
def test_the_same_file_described_in_two_ways_is_refused(folder: Path, other: dict[str, str]) -> None:
    """A label or subject that contradicts the other's is no harmless duplicate."""
    with pytest.raises(EvalSetError) as caught:
        _gather(folder, _file("ann1", label="attack", subject="Ann"), _file("copy", **other))
    assert caught.value.code == "item_duplicate"


def test_all_faults_of_a_source_come_at_once(folder: Path) -> None:
    """A missing file, a path that leaves the folder, an unknown label and part; no name is shown."""
    with pytest.raises(EvalSetError) as caught:
        _gather(
            folder, _file("gone"), _file("../secret"), _file("ann1", label="spoof"), _file("bob1", part="dev")
        )
    codes = [fault.code for fault in caught.value.faults]
    assert codes == ["media_missing", "path_outside_root", "label_unknown", "part_unknown"]
    assert not any(name in str(caught.value) for name in ("gone", "secret", "ann1", "bob1"))


def test_a_source_without_files_is_refused(folder: Path) -> None:
    """An empty folder is `source_empty`, not an empty set."""
    with pytest.raises(EvalSetError) as caught:
        _gather(folder)
    assert caught.value.code == "source_empty"


def test_a_column_can_say_what_is_tuned_on(folder: Path) -> None:
    """Of the items that are not sealed, those with the value; the others are tested on."""
    described = [_file("ann1", subject="Ann"), _file("bob1", subject="Bob")]
    described = [replace(entry, slices={"fold": str(n)}) for n, entry in enumerate(described)]
    found = _gather(folder, *described, split=Split(tune=1.0, tune_where=(("fold", "1"),)))
    assert {item.slices["fold"]: item.part for item in found.items} == {"0": Part.TEST, "1": Part.TUNE}


def test_a_column_that_selects_nothing_to_tune_on_is_refused(folder: Path) -> None:
    """A mistyped value would otherwise leave a set without a part to tune on."""
    entry = replace(_file("ann1"), slices={"fold": "0001"})
    with pytest.raises(EvalSetError) as caught:
        _gather(folder, entry, split=Split(tune_where=(("fold", "1"),)))
    assert caught.value.code == "tune_part_empty"


def test_a_part_that_the_source_states_is_kept(folder: Path) -> None:
    """Shares are for items whose source says nothing."""
    found = _gather(folder, _file("ann1", part="test", label="attack"), split=Split(tune=1.0))
    assert (found.items[0].part, found.items[0].label) == (Part.TEST, Label.ATTACK)


@given(
    subjects=st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5),
    tune=st.floats(0, 1),
    sealed=st.floats(0, 1),
)
def test_no_subject_is_divided(
    subjects: list[str], tune: float, sealed: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the shares, all items of a subject land in one part."""
    folder = tmp_path_factory.mktemp("source")
    for number in range(2 * len(subjects)):
        (folder / str(number)).write_text(str(number), encoding="utf-8")
    described = [_file(str(n), subject=subjects[n // 2]) for n in range(2 * len(subjects))]
    found = _gather(folder, *described, split=Split(tune=tune, sealed=sealed))
    parts: dict[str | None, set[Part]] = {}
    for item in found.items:
        parts.setdefault(item.subject, set()).add(item.part)
    assert all(len(of_one) == 1 for of_one in parts.values())
