from pathlib import Path

import pytest

from idv.domain.errors import ModelError
from idv.packs.cache import ModelCache, Trusted, file_sha256, write_atomically


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """A reader never sees half a file: here the target is a folder, so the rename itself fails."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "inside").write_text("kept")
    with pytest.raises(OSError, match="target"):
        write_atomically(target, b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert (target / "inside").read_text() == "kept"


def test_a_write_replaces_the_whole_file(tmp_path: Path) -> None:
    """A shorter file does not keep the tail of the longer one."""
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"a long content")
    write_atomically(path, b"short")
    assert path.read_bytes() == b"short"
    assert [item.name for item in path.parent.iterdir()] == ["file"]


def test_a_digest_is_of_the_content(tmp_path: Path) -> None:
    """The well-known digest of `abc` (FIPS 180-2, appendix B.1)."""
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "abc") == expected


def test_what_was_trusted_stays_recorded(tmp_path: Path) -> None:
    """A second model does not forget the first."""
    cache = ModelCache(tmp_path)
    first, second = Trusted("aa", 1, "a.onnx"), Trusted("bb", 2, "b.onnx")
    cache.trust("one", first)
    cache.trust("two", second)
    assert ModelCache(tmp_path).trusted() == {"one": first, "two": second}


@pytest.mark.parametrize("content", ["", "[]", '{"one": {"sha256": "aa"}}', '{"one": 3}', "{"])
def test_a_broken_record_is_an_error_not_an_empty_one(tmp_path: Path, content: str) -> None:
    """Forgetting what was trusted would let any file be trusted again."""
    (tmp_path / "trusted.json").write_text(content)
    with pytest.raises(ModelError) as caught:
        ModelCache(tmp_path).trusted()
    assert caught.value.code == "model_cache_invalid"
