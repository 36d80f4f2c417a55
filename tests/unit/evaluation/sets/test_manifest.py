from pathlib import Path

import pytest

from idv.domain.errors import EvalSetError
from idv.evaluation.sets.manifest import Recipe, Sealed, manifest_of, manifest_text, read_manifest
from tests.unit.evaluation.sets.small_sets import manifest


def _read(folder: Path, text: str) -> None:
    (folder / "manifest.toml").write_text(text, encoding="utf-8")
    read_manifest(folder)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With its tables, quotes and line breaks."""
    recipe = Recipe(generator="documents", version="1", seed=3, count=9)
    full = manifest(recipe=recipe, sealed=Sealed(labels_sha256="0" * 64), description='a "b"\nc \\ ü')
    (tmp_path / "manifest.toml").write_text(manifest_text(full), encoding="utf-8")
    assert read_manifest(tmp_path) == full


def test_all_faults_of_a_manifest_come_at_once(tmp_path: Path) -> None:
    """A wrong name, an unknown key, a wrong check and missing keys are five faults or more."""
    with pytest.raises(EvalSetError) as caught:
        _read(tmp_path, 'name = "No Name"\nchek = 1\ncheck = "smell"\nversion = "1"\n')
    assert {fault.code for fault in caught.value.faults} == {"manifest_invalid"}
    said = " ".join(fault.message for fault in caught.value.faults)
    for expected in ("name", "chek", "check", "licence", "description", "created_on"):
        assert f"manifest.toml: {expected}:" in said


def test_what_is_no_toml_is_named(tmp_path: Path) -> None:
    """A merge marker is `manifest_invalid`."""
    with pytest.raises(EvalSetError) as caught:
        _read(tmp_path, "<<<<<<< HEAD\n")
    assert caught.value.code == "manifest_invalid"


@pytest.mark.parametrize(
    "changes",
    [{"comparisons": "all_pairs"}, {"slices": ["device", "device"]}, {"slices": ["label"]}, {"format": 2}],
)
def test_contradictions_are_faults(changes: dict[str, object]) -> None:
    """Comparisons of single captures, a slice named twice or like a fixed column, an unknown format."""
    with pytest.raises(EvalSetError):
        manifest_of(**(manifest().model_dump() | changes))


def test_the_digest_covers_head_items_and_pairs() -> None:
    """Each of them alone changes it, and only the digest itself does not."""
    head = manifest()
    digests = {
        head.digest_with(b"i", b"p"),
        head.digest_with(b"j", b"p"),
        head.digest_with(b"i", b"q"),
        head.digest_with(b"i", None),
        manifest(version="2").digest_with(b"i", b"p"),
    }
    assert len(digests) == 5
    assert manifest(digest="f" * 64).digest_with(b"i", b"p") == head.digest_with(b"i", b"p")
