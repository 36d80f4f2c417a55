import hashlib
import pickle
from pathlib import Path
from uuid import uuid4

import pytest

from idv.domain.errors import EvalSetError, StorageUnavailable
from idv.domain.eval_sets import MediaRef
from idv.evaluation.sets.media import MediaRoot, address_of


@pytest.fixture(params=["folder", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> MediaRoot:
    """An empty root of either kind."""
    return MediaRoot(str(tmp_path / "media") if request.param == "folder" else f"memory://{uuid4().hex}")


def test_what_was_stored_is_found_by_its_digest(root: MediaRoot) -> None:
    """And by a copy of the root in another process."""
    ref = root.store(b"pixels")
    assert ref == MediaRef(hashlib.sha256(b"pixels").hexdigest())
    assert root.bytes_of(ref) == b"pixels"
    assert pickle.loads(pickle.dumps(root)).bytes_of(ref) == b"pixels"  # noqa: S301 - made here
    assert root.has(ref)


def test_what_is_absent_is_missing(root: MediaRoot) -> None:
    """`media_missing`, and nothing of the path is shown."""
    with pytest.raises(EvalSetError) as caught:
        root.bytes_of(MediaRef("0" * 64, "ann/ann.jpg"))
    assert caught.value.code == "media_missing"
    assert "ann" not in str(caught.value)


def test_a_path_is_a_hint_that_the_digest_must_confirm(tmp_path: Path) -> None:
    """Another file at the hinted place is refused, unless the right one lies at its address."""
    root = MediaRoot(str(tmp_path))
    (tmp_path / "a.jpg").write_bytes(b"other")
    ref = MediaRef(hashlib.sha256(b"wanted").hexdigest(), "a.jpg")
    with pytest.raises(EvalSetError) as caught:
        root.bytes_of(ref)
    assert caught.value.code == "media_digest_mismatch"
    root.store(b"wanted")
    assert root.bytes_of(ref) == b"wanted"
    (tmp_path / "a.jpg").write_bytes(b"wanted")
    assert root.bytes_of(ref) == b"wanted"


def test_a_file_altered_in_place_is_put_right_by_storing_again(root: MediaRoot, tmp_path: Path) -> None:
    """Bytes are believed by digest, not because a file of that name is there."""
    root = MediaRoot(str(tmp_path))
    ref = root.store(b"pixels")
    (tmp_path / address_of(ref.sha256)).write_bytes(b"altered")
    assert not root.has(ref)
    assert root.bytes_of(root.store(b"pixels")) == b"pixels"


def test_storing_leaves_no_partial_file(tmp_path: Path) -> None:
    """One file, at its address."""
    ref = MediaRoot(str(tmp_path)).store(b"pixels")
    files = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [address_of(ref.sha256)]


def test_a_root_that_refuses_is_named(tmp_path: Path) -> None:
    """A file where the folder should be is no missing medium but an unavailable root."""
    (tmp_path / "media").write_bytes(b"a file")
    with pytest.raises(StorageUnavailable) as caught:
        MediaRoot(str(tmp_path / "media")).store(b"pixels")
    assert caught.value.code == "media_unavailable"
