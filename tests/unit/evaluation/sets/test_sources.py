from pathlib import Path

import pytest

from idv.domain.errors import EvalSetError
from idv.evaluation.sets.folder_sources import LabelledFolder, class_folders, person_folders
from idv.evaluation.sets.table_sources import item_rows, lfw_pairs, transcripts


def _written(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def _codes(path: Path) -> list[str]:
    with pytest.raises(EvalSetError) as caught:
        lfw_pairs(path)
    return [fault.code for fault in caught.value.faults]


def test_pairs_with_subjects_become_files_and_pairs(tmp_path: Path) -> None:
    """Each file once; a column with one value a file becomes a slice, another does not."""
    table = _written(
        tmp_path,
        "path_a,path_b,mated,fold,difficulty,subject_a,subject_b\n"
        "a1,a2,1,3,easy,Ann,Ann\na1,b1,0,3,hard,Ann,Bob\n",
    )
    source = lfw_pairs(table)
    assert source.pairs == (("a1", "a2"), ("a1", "b1"))
    assert {entry.path: entry.subject for entry in source.described} == {
        "a1": "Ann",
        "a2": "Ann",
        "b1": "Bob",
    }
    assert [dict(entry.slices) for entry in source.described] == [{"fold": "3"}] * 3


def test_subjects_follow_from_mated_pairs(tmp_path: Path) -> None:
    """Files joined by way of a third are of one subject, and the others of others."""
    table = _written(tmp_path, "path_a,path_b,mated\nx,y,1\nz,y,1\nz,q,0\n")
    subjects = {entry.path: entry.subject for entry in lfw_pairs(table).described}
    assert subjects["x"] == subjects["y"] == subjects["z"] != subjects["q"]


def test_pairs_that_refute_each_other_are_refused(tmp_path: Path) -> None:
    """From x = y and y = z follows that x and z cannot differ."""
    table = _written(tmp_path, "path_a,path_b,mated\nx,y,1\ny,z,1\nx,z,0\n")
    assert _codes(table) == ["pair_label_contradiction"]


def test_a_pair_labelled_otherwise_than_its_subjects_is_refused(tmp_path: Path) -> None:
    """Mated, with two names; and one file with two names is refused too."""
    head = "path_a,path_b,mated,subject_a,subject_b\n"
    assert _codes(_written(tmp_path, head + "x,y,1,Ann,Bob\n")) == ["pair_label_contradiction"]
    assert _codes(_written(tmp_path, head + "x,y,1,Ann,Ann\nx,z,1,Bob,Bob\n"))[0] == "subject_contradiction"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("path_a,path_b\nx,y\n", "table_invalid"),
        ("path_a,path_b,mated\nx,y,maybe\n", "label_unknown"),
        ("path_a,path_b,mated\nx,y\n", "table_invalid"),
    ],
)
def test_a_table_that_is_no_list_of_pairs_is_named(tmp_path: Path, text: str, code: str) -> None:
    """A missing column, an unknown truth value, a short row."""
    assert _codes(_written(tmp_path, text))[0] == code


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    """`source_missing`."""
    assert _codes(tmp_path / "none.csv") == ["source_missing"]


def test_columns_and_labels_are_translated(tmp_path: Path) -> None:
    """The source's names and values become ours; a byte order mark is no part of the first name."""
    table = _written(tmp_path, "\ufefffile,class,who,glasses,truth.mrz\na.jpg,spoof,7,01,P<UTO\n")
    (entry,) = item_rows(
        table,
        columns={"path": "file", "label": "class", "subject": "who"},
        slices=["glasses"],
        values={"spoof": "attack"},
    )
    assert (entry.path, entry.label, entry.subject) == ("a.jpg", "attack", "7")
    assert (dict(entry.slices), dict(entry.truth)) == ({"glasses": "01"}, {"mrz": "P<UTO"})


def test_a_column_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    """A misspelt mapping would silently leave the subjects out."""
    table = _written(tmp_path, "path,label\na.jpg,attack\n")
    with pytest.raises(EvalSetError, match="no column who"):
        item_rows(table, columns={"subject": "who"}, slices=[], values={})


def test_a_folder_a_person(tmp_path: Path) -> None:
    """Files of any depth belong to the outermost folder; other files and loose ones do not count."""
    for path in ("ann/1.jpg", "ann/more/2.PNG", "bob/1.jpeg", "bob/notes.txt", "loose.jpg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    found = [(entry.path, entry.subject) for entry in person_folders(tmp_path)]
    assert found == [("ann/1.jpg", "ann"), ("ann/more/2.PNG", "ann"), ("bob/1.jpeg", "bob")]


def test_a_folder_a_class(tmp_path: Path) -> None:
    """Label and species come from the class, the subject from the level that was named."""
    for path in ("live/7/1.jpg", "fake/paper/8/2.jpg", "fake/paper/3.jpg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    classes = [LabelledFolder("live", "bona_fide"), LabelledFolder("fake/paper", "attack", "print")]
    found = [
        (e.path, e.label, e.species, e.subject) for e in class_folders(tmp_path, classes, subject_level=1)
    ]
    assert found == [
        ("live/7/1.jpg", "bona_fide", "", "7"),
        ("fake/paper/3.jpg", "attack", "print", ""),
        ("fake/paper/8/2.jpg", "attack", "print", "8"),
    ]
    with pytest.raises(EvalSetError) as caught:
        class_folders(tmp_path, [LabelledFolder("real", "bona_fide")])
    assert caught.value.code == "source_missing"


def test_transcripts_become_truths(tmp_path: Path) -> None:
    """Rows are joined by line feeds, and an Ñ is what a reader can make of it."""
    path = tmp_path / "t.toml"
    path.write_text(
        '[[specimen]]\nfile = "a.png"\nformat = "TD1"\nlines = ["I<ÑA", "12"]\n', encoding="utf-8"
    )
    (entry,) = transcripts(path)
    assert (entry.path, entry.truth["mrz"], entry.label) == ("a.png", "I<NA\n12", "")
    path.write_text('[[specimen]]\nfile = "a.png"\n', encoding="utf-8")
    with pytest.raises(EvalSetError) as caught:
        transcripts(path)
    assert caught.value.code == "table_invalid"
