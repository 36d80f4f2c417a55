from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import EvalSetError
from idv.domain.eval_sets import Comparisons, EvalItem, Label, MediaRef, Part
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName
from idv.evaluation.sets.folder import SetFiles, assembled, load_set, write_set
from idv.evaluation.sets.item_files import items_bytes
from idv.evaluation.sets.manifest import Manifest, Sealed
from tests.unit.evaluation.sets.small_sets import (
    captures,
    face_manifest,
    faces,
    manifest,
    ref,
    written,
)


def _faults(of: Manifest, items: bytes, pairs: bytes | None = None) -> list[str]:
    with pytest.raises(EvalSetError) as caught:
        assembled(SetFiles(of, items, pairs))
    return [fault.code for fault in caught.value.faults]


def _table(*rows: str, columns: str = "item,sha256,part,subject,label,species,device") -> bytes:
    return ("\n".join([columns, *rows]) + "\n").encode()


A, B = "a" * 64, "b" * 64


def test_a_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Items, slices, truths with line breaks, limits and digest come back."""
    frozen = write_set(tmp_path / "s", manifest(), captures())
    again = load_set(tmp_path / "s")
    assert again == frozen
    assert again.items == tuple(captures())
    assert again.limits == ("It is small.",)


def test_pairs_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Listed comparisons keep their order and their direction."""
    pairs = np.array([[2, 0], [0, 1]], np.int32)
    write_set(tmp_path, face_manifest(), faces(), pairs=pairs)
    read = load_set(tmp_path).pairs
    assert read is not None
    assert read.tolist() == [[2, 0], [0, 1]]


@pytest.mark.parametrize("name", ["items.csv", "manifest.toml"])
def test_a_changed_byte_is_named_before_anything_else(tmp_path: Path, name: str) -> None:
    """A label turned round, or a limit left out, is `set_bytes_changed`, whatever else it may be."""
    file = written(tmp_path) / name
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("bona_fide", "attack").replace("It is small.", "All."), encoding="utf-8")
    with pytest.raises(EvalSetError) as caught:
        load_set(tmp_path)
    assert caught.value.code == "set_bytes_changed"


def test_the_digest_does_not_depend_on_how_the_manifest_is_laid_out(tmp_path: Path) -> None:
    """Comments and the order of keys are no content."""
    digest = load_set(written(tmp_path)).digest
    file = tmp_path / "manifest.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    tables = [line for line in lines if line.startswith(("name", "version"))]
    rest = [line for line in lines if line not in tables]
    file.write_text("\n".join(["# another comment", *rest, *reversed(tables)]), encoding="utf-8")
    assert load_set(tmp_path).digest == digest


def test_a_frozen_version_is_not_written_over(tmp_path: Path) -> None:
    """Other items need another version; the same content may be written again."""
    written(tmp_path)
    written(tmp_path)
    with pytest.raises(EvalSetError, match="give a new version") as caught:
        write_set(tmp_path, manifest(), captures()[:3])
    assert caught.value.code == "set_frozen"
    assert len(write_set(tmp_path, manifest(version="2"), captures()[:3]).items) == 3


def test_a_card_that_somebody_wrote_is_left_alone(tmp_path: Path) -> None:
    """Only a missing card is written."""
    (tmp_path / "card.md").write_text("mine", encoding="utf-8")
    write_set(tmp_path, manifest(), captures(), card="skeleton")
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == "mine"


def test_a_folder_without_a_set_is_named(tmp_path: Path) -> None:
    """No manifest: `set_missing`."""
    with pytest.raises(EvalSetError) as caught:
        load_set(tmp_path)
    assert caught.value.code == "set_missing"


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([f"a,{A},test,,bona_fide,,x", f"a,{B},test,,bona_fide,,x"], ["item_duplicate"]),
        ([f"a,{A},test,,bona_fide,,x", f"b,{A},test,,bona_fide,,x"], ["item_duplicate"]),
        ([f"a,{A},test,,bona_fide,,x", f"b,{A},test,,attack,print,x"], ["item_duplicate"]),
        ([f"a,{A},tune,p,bona_fide,,x", f"b,{B},test,p,bona_fide,,x"], ["subject_on_both_sides"]),
        ([f"a,{A},test,,spoof,,x"], ["label_unknown", "set_empty"]),
        ([f"a,{A},test,,genuine,,x"], ["label_unknown", "set_empty"]),
        ([f"a,{A},test,,bona_fide,print,x"], ["label_contradiction", "set_empty"]),
        ([f"a,{A},train,,bona_fide,,x"], ["part_unknown", "set_empty"]),
        (["a,123,test,,bona_fide,,x"], ["table_invalid", "set_empty"]),
        ([f",{A},test,,bona_fide,,x"], ["table_invalid", "set_empty"]),
        ([f"a,{A},test,,bona_fide,,x,more"], ["table_invalid", "set_empty"]),
        ([f"a,{A},sealed,,attack,,x"], ["sealed_label_shown", "set_empty"]),
        ([f"a,{A},sealed,,,,x"], ["manifest_invalid"]),
        ([], ["set_empty"]),
    ],
)
def test_each_fault_of_the_items_has_its_name(rows: list[str], codes: list[str]) -> None:
    """Nothing is loaded from a table with a fault."""
    assert _faults(manifest(), _table(*rows)) == codes


def test_all_faults_come_at_once() -> None:
    """Four rows, four different faults, one error."""
    rows = [f"a,{A},tune,p,bona_fide,,x", f"a,{B},test,p,bona_fide,,x", f"c,{'c' * 64},test,,spoof,,x", "d"]
    found = _faults(manifest(), _table(*rows))
    assert sorted(found) == ["item_duplicate", "label_unknown", "subject_on_both_sides", "table_invalid"]


def test_no_value_of_a_row_is_shown_in_a_fault() -> None:
    """Identifiers, subjects and labels may name people."""
    rows = [f"ann.jpg,{A},tune,ann,spoof-ann,,x", f"ann.jpg,{A},test,ann,bona_fide,,x"]
    with pytest.raises(EvalSetError) as caught:
        assembled(SetFiles(manifest(), _table(*rows), None))
    assert "ann" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.jpg", "a/../../x.jpg", "c:\\x.jpg", "https://somewhere/x.jpg"]
)
def test_a_path_may_not_leave_the_media_root(path: str) -> None:
    """A set from elsewhere could otherwise read any file."""
    table = _table(f"a,{A},{path},x", columns="item,sha256,path,device")
    assert _faults(manifest(), table) == ["path_outside_root", "set_empty"]


def test_a_column_that_nobody_knows_is_a_fault() -> None:
    """A misspelt column would silently leave its values out."""
    assert "table_invalid" in _faults(manifest(), _table(f"a,{A},x,y", columns="item,sha256,device,lable"))


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (["f1,f9"], "pair_item_unknown"),
        (["f1,f1"], "pair_of_itself"),
        (["f1,f2", "f2,f1"], "pair_duplicate"),
    ],
)
def test_each_fault_of_the_pairs_has_its_name(rows: list[str], code: str) -> None:
    """The comparisons are checked against the items."""
    of = face_manifest()
    pairs = _table(*rows, columns="item_a,item_b")
    assert _faults(of, items_bytes(of, faces()), pairs) == [code]


def test_a_pair_labelled_otherwise_than_its_subjects_is_a_fault() -> None:
    """f1 and f2 are one person."""
    of = face_manifest()
    pairs = _table("f1,f2,0", "f1,f3,0", columns="item_a,item_b,mated")
    assert _faults(of, items_bytes(of, faces()), pairs) == ["pair_label_contradiction"]


def test_a_document_of_two_sides_is_one_item(tmp_path: Path) -> None:
    """Front and back are two media of one item; either may be missing."""
    both = {ImageRole.DOCUMENT_FRONT: ref("f", "a/f.jpg"), ImageRole.DOCUMENT_BACK: ref("b", "a/b.jpg")}
    items = [EvalItem(id="two", media=both), EvalItem(id="back", media={ImageRole.DOCUMENT_BACK: ref("c")})]
    write_set(tmp_path, manifest(check=CheckName.DOCUMENT_READING, slices=()), items)
    assert load_set(tmp_path).items == tuple(items)


def test_sealed_labels_are_kept_apart_and_come_back_only_when_asked(tmp_path: Path) -> None:
    """Neither label, species, subject, session, truth nor path of the sealed item stands in the set."""
    items = captures(sealed=True)
    last = items[3]
    items[3] = replace(last, media={ImageRole.SELFIE: ref("d", "attacks/d.jpg")})
    labels = tmp_path / "elsewhere" / "sealed.csv"
    write_set(tmp_path / "s", manifest(), items, sealed_labels=labels)
    bare = load_set(tmp_path / "s").items[3]
    assert (bare.label, bare.species, bare.subject, bare.session, dict(bare.truth)) == (None,) * 4 + ({},)
    assert "attacks" not in (tmp_path / "s" / "items.csv").read_text(encoding="utf-8")
    assert load_set(tmp_path / "s", sealed_labels=labels).items == (*captures(sealed=True)[:3], last)
    assert load_set(tmp_path / "s").digest == load_set(tmp_path / "s", sealed_labels=labels).digest


@pytest.mark.parametrize("code", ["sealed_labels_changed", "sealed_labels_missing"])
def test_altered_or_absent_sealed_labels_are_named(tmp_path: Path, code: str) -> None:
    """The manifest holds their digest."""
    labels = tmp_path / "sealed.csv"
    write_set(tmp_path / "s", manifest(), captures(sealed=True), sealed_labels=labels)
    if code == "sealed_labels_changed":
        labels.write_bytes(labels.read_bytes().replace(b"attack", b"bona_fide"))
    else:
        labels.unlink()
    with pytest.raises(EvalSetError) as caught:
        load_set(tmp_path / "s", sealed_labels=labels)
    assert caught.value.code == code


def test_unsealing_shows_a_subject_on_both_sides(tmp_path: Path) -> None:
    """What was hidden is checked as soon as it is known; a set with such a subject is not even written."""
    items = captures(sealed=True)
    items[3] = replace(items[3], subject=items[0].subject)
    with pytest.raises(EvalSetError) as caught:
        write_set(tmp_path / "s", manifest(), items, sealed_labels=tmp_path / "sealed.csv")
    assert caught.value.code == "subject_on_both_sides"
    assert not (tmp_path / "s").exists()


def test_tested_and_sealed_subjects_are_apart_too(tmp_path: Path) -> None:
    """What was learnt of a person in reports says something of the same person's sealed captures."""
    items = captures(sealed=True)
    items[3] = replace(items[3], subject=items[2].subject)
    with pytest.raises(EvalSetError) as caught:
        write_set(tmp_path / "s", manifest(), items, sealed_labels=tmp_path / "sealed.csv")
    assert caught.value.code == "subject_on_both_sides"


@pytest.mark.parametrize("place", ["sealed.csv", "deeper/sealed.csv", "../s/sealed.csv"])
def test_sealed_labels_lie_outside_the_set(tmp_path: Path, place: str) -> None:
    """Whoever gets the set to tune on must not get its labels with it."""
    with pytest.raises(EvalSetError) as caught:
        write_set(tmp_path / "s", manifest(), captures(sealed=True), sealed_labels=tmp_path / "s" / place)
    assert caught.value.code == "sealed_labels_inside"
    assert not (tmp_path / "s").exists()


def test_a_pair_does_not_tell_a_sealed_label() -> None:
    """Whether two sealed faces are one person is what is sealed."""
    of = face_manifest().model_copy(update={"sealed": Sealed(labels_sha256="0" * 64)})
    bare = [replace(face, part=Part.SEALED, subject=None) for face in faces()]
    pairs = _table("f1,f2,1", "f1,f3,", columns="item_a,item_b,mated")
    assert _faults(of, items_bytes(of, bare), pairs) == ["sealed_label_shown"]


def test_an_identifier_is_one_line_of_text() -> None:
    """A tab would make two comparisons of other items look the same in a journal."""
    rows = f"a\tb,{A},test,p,bona_fide,,x", f"b,{B},test,q,bona_fide,,x"
    assert _faults(manifest(), _table(*rows)) == ["table_invalid"]


def test_sealing_needs_a_place_for_the_labels(tmp_path: Path) -> None:
    """Labels are never thrown away."""
    with pytest.raises(EvalSetError) as caught:
        write_set(tmp_path, manifest(), captures(sealed=True))
    assert caught.value.code == "sealed_labels_needed"


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8)


@given(
    words=st.lists(st.tuples(_TEXT, _TEXT, _TEXT), min_size=1, max_size=6, unique_by=lambda row: row[0]),
    parts=st.data(),
)
def test_whatever_text_a_source_has_survives(words: list[tuple[str, str, str]], parts: st.DataObject) -> None:
    """Commas, quotes, blanks and any letters come back from the table unchanged."""
    items = [
        EvalItem(
            id=f"{number}{name}",
            media={ImageRole.SELFIE: MediaRef(f"{number:064x}")},
            part=Part.TEST,
            label=parts.draw(st.sampled_from([Label.BONA_FIDE, Label.ATTACK, None])),
            slices={"device": device} if device else {},
            truth={"words": truth} if truth else {},
        )
        for number, (name, device, truth) in enumerate(words)
    ]
    of = manifest()
    assert assembled(SetFiles(of, items_bytes(of, items), None)).items == tuple(items)


def test_all_pairs_needs_no_list(tmp_path: Path) -> None:
    """A set whose comparisons are all pairs has none listed."""
    write_set(tmp_path, face_manifest(Comparisons.ALL_PAIRS), faces())
    assert load_set(tmp_path).pairs is None
    assert not (tmp_path / "pairs.csv").exists()
