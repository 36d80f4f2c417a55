import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from idv.cli.evalset import app
from idv.domain.errors import EvalSetError


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _json(*arguments: object) -> dict[str, object]:
    result = _run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


def _fault(*arguments: object) -> str:
    error = _run(*arguments).exception
    assert isinstance(error, EvalSetError)
    return error.code


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three files and a table of them, in words of its own."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("ann-1.jpg", "bob-1.jpg", "ann-2.jpg"):
        (folder / name).write_text(name, encoding="utf-8")
    table = "path,class,kind,who,device\nann-1.jpg,live,,ann,phone\nbob-1.jpg,spoof,print,bob,phone\n"
    (folder / "items.csv").write_text(table + "ann-2.jpg,spoof,screen,ann,web\n", encoding="utf-8")
    return folder


def _imported(source: Path, *before: str | Path, name: str = "mine") -> Path:
    out = source.parent / name
    result = _run(
        *("import", "--name", "mine", "--licence", "none", "--out", out),
        *("--media", source.parent / "media", *before, "csv", source / "items.csv", "--root", source),
        *("--check", "liveness", "--column", "label=class", "--column", "species=kind"),
        *("--column", "subject=who", "--slice", "device"),
        *("--label-value", "live=bona_fide", "--label-value", "spoof=attack"),
    )
    assert result.exit_code == 0, result.output
    return out


def test_an_imported_table_is_verified_and_described(source: Path) -> None:
    """Media copied, names gone, counts and floors told, all as JSON too."""
    out = _imported(source)
    assert "ann" not in (out / "items.csv").read_text(encoding="utf-8")
    assert (out / "card.md").exists()
    verified = _json("verify", out, "--media", source.parent / "media")
    assert (verified["files"], verified["faults"]) == (3, [])
    described = _json("describe", out)
    assert described["subjects"] == 2
    assert described["values"] == {
        "part": {"test": 3},
        "label": {"attack": 2, "bona_fide": 1},
        "species": {"print": 1, "screen": 1},
        "device": {"phone": 2, "web": 1},
    }
    assert "device" in _run("describe", out).stdout


def test_media_left_in_place_are_found_below_the_source(source: Path) -> None:
    """Nothing is copied, and the source's folder is the media root."""
    out = _imported(source, "--in-place")
    assert not (source.parent / "media").exists()
    assert _json("verify", out, "--media", source)["files"] == 3


def test_a_lost_file_is_a_fault(source: Path) -> None:
    """`verify` says which item it belongs to and fails."""
    out = _imported(source, "--in-place")
    (source / "bob-1.jpg").unlink()
    assert _fault("verify", out, "--media", source) == "media_missing"


def test_the_sealed_part_is_described_only_with_its_labels(source: Path) -> None:
    """With all subjects sealed no label is seen until the file with them is named."""
    labels = source.parent / "sealed.csv"
    out = _imported(source, "--sealed", "1", "--sealed-labels", labels)
    assert _json("describe", out)["values"]["label"] == {"none": 3}  # type: ignore[index] # a table of counts
    assert "| label | none 3 |" in (out / "card.md").read_text(encoding="utf-8")
    opened = _json("describe", out, "--sealed-labels", labels)
    assert opened["values"]["label"] == {"attack": 2, "bona_fide": 1}  # type: ignore[index]


def test_two_versions_are_compared(source: Path) -> None:
    """A set does not differ from itself; a version that lost an item says so."""
    first = _imported(source)
    assert _run("diff", first, first).stdout.strip() == "no difference"
    text = (source / "items.csv").read_text(encoding="utf-8")
    (source / "items.csv").write_text(text.replace("bob-1.jpg,spoof,print,bob,phone\n", ""), encoding="utf-8")
    second = _imported(source, "--version", "2", name="mine2")
    found = _json("diff", first, second)
    assert len(found["only_a"]) == 1  # type: ignore[arg-type] # a list
    assert found["head"] == {"version": ["1", "2"]}
    assert found["counts"]["species"] == {"print": [1, 0]}  # type: ignore[index] # a table
    shown = _run("diff", first, second).stdout
    assert "1 items only in the first" in shown
    assert re.search(r"species +print +1 +0 +-1", shown)


def test_pairs_that_no_part_holds_are_told(source: Path) -> None:
    """With one person to tune on, the pair of the two is in no part; the import says so and goes on."""
    (source / "pairs.csv").write_text(
        "path_a,path_b,mated,subject_a,subject_b\nann-1.jpg,ann-2.jpg,1,ann,ann\n"
        "ann-1.jpg,bob-1.jpg,0,ann,bob\n",
        encoding="utf-8",
    )
    head = ["import", "--name", "faces", "--licence", "none", "--media", source.parent / "media"]
    pairs = ["pairs", source / "pairs.csv", "--root", source]
    split = [*head, "--tune-where", "subject=bob"]
    told = _run(*split, "--out", source.parent / "split", *pairs)
    assert told.exit_code == 0, told.output
    assert "1 of 2 listed pairs (50.0%) have their items in two parts" in told.stdout
    as_json = _run(*split, "--out", source.parent / "again", "--json", *pairs).stdout
    assert json.loads(as_json)["pairs_across_parts"] == 1
    whole = _run(*head, "--out", source.parent / "whole", *pairs)
    assert "two parts" not in whole.stdout


def test_faces_are_imported_from_pairs_and_from_folders(source: Path) -> None:
    """Listed pairs, and a folder a person for all pairs."""
    (source / "pairs.csv").write_text(
        "path_a,path_b,mated\nann-1.jpg,ann-2.jpg,1\nann-1.jpg,bob-1.jpg,0\n", encoding="utf-8"
    )
    head = ["import", "--name", "faces", "--licence", "none", "--media", source.parent / "media", "--out"]
    listed = source.parent / "listed"
    result = _run(*head, listed, "pairs", source / "pairs.csv", "--root", source)
    assert result.exit_code == 0, result.output
    assert _json("describe", listed)["comparisons"] == {"test mated": 1, "test non-mated": 1}
    (source / "people" / "ann").mkdir(parents=True)
    (source / "ann-1.jpg").rename(source / "people" / "ann" / "1.jpg")
    (source / "ann-2.jpg").rename(source / "people" / "ann" / "2.jpg")
    folders = source.parent / "folders"
    assert _run(*head, folders, "people", source / "people").exit_code == 0
    assert _json("describe", folders)["comparisons"] == {"test mated": 1, "test non-mated": 0}


def test_classes_are_imported_from_folders(source: Path) -> None:
    """What should pass from one folder, an attack species from another."""
    (source / "live").mkdir()
    (source / "paper").mkdir()
    (source / "ann-1.jpg").rename(source / "live" / "1.jpg")
    (source / "bob-1.jpg").rename(source / "paper" / "1.jpg")
    result = _run(
        *("import", "--name", "pad", "--licence", "none", "--out", source.parent / "pad"),
        *("--media", source.parent / "media", "--json", "folders", source),
        *("--genuine", "live", "--attack", "paper=print"),
    )
    assert json.loads(result.stdout)["items"] == 2
    assert _json("describe", source.parent / "pad")["values"]["species"] == {"print": 1}  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--name", "No Name", "--licence", "none"], "manifest_invalid"),
        (["--name", "x", "--licence", "none", "--sealed", "1"], "sealed_labels_needed"),
    ],
)
def test_a_set_that_cannot_be_is_refused(source: Path, arguments: list[str], code: str) -> None:
    """Nothing is written."""
    (source / "t.toml").write_text(
        '[[specimen]]\nfile = "ann-1.jpg"\nformat = "TD1"\nlines = []\n', encoding="utf-8"
    )
    out = source.parent / "none"
    found = _fault(
        *("import", *arguments, "--in-place", "--out", out, "specimens", source / "t.toml", "--root", source)
    )
    assert found == code
    assert not out.exists()


def test_what_was_not_generated_cannot_be_built(source: Path) -> None:
    """Its media come from elsewhere."""
    assert _fault("build", _imported(source)) == "set_not_generated"


def test_a_set_is_drawn_and_built_again(tmp_path: Path) -> None:
    """One item into one root; a second root gets the same bytes, and building it again does nothing."""
    out = tmp_path / "drawn"
    drawn = ["draw", "documents", "--out", out, "--count", "1", "--processes", "1"]
    assert _json(*drawn, "--media", tmp_path / "a")["items"] == 1
    build = ["build", out, "--processes", "1", "--media", tmp_path / "b"]
    assert _json(*build)["drawn"] == 1
    assert _json(*build)["present"] == 1
    assert _json("verify", out, "--media", tmp_path / "b")["files"] == 2
