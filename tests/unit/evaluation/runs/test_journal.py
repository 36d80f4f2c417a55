"""Facts about the journal: whole rows, of one run only; what was written stays when the disk is full."""

import errno
import io
import os
from pathlib import Path

import pytest

from idv.domain.errors import Conflict, RequestError, StorageUnavailable
from idv.evaluation.runs.journal import Journal, Stream, claim_path, read_claim

MINE = {"set": "s 1", "check_digest": "d1"}


class FullDisk(io.FileIO):
    """A file on a disk that takes `room` more bytes."""

    room = 8

    def write(self, data: object, /) -> int:
        """As the system does: what fits is written, then there is no room."""
        whole = bytes(data)  # type: ignore[call-overload] # any buffer
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = super().write(whole[: self.room])
        self.room -= taken
        return taken


def on_full_disk(path: Path, mode: int) -> Stream:
    """Opens on a disk with room for eight bytes."""
    return FullDisk(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, mode), "r+")


def test_what_was_appended_is_kept_for_the_next_session(tmp_path: Path) -> None:
    """A journal opened again holds the rows of the first session."""
    with Journal(tmp_path / "j", MINE) as journal:
        journal.append(b"one\n")
        journal.append(b"two\n")
    with Journal(tmp_path / "j", MINE) as journal:
        assert journal.kept == b"one\ntwo\n"


@pytest.mark.parametrize("kept", range(9))
def test_a_torn_last_row_is_cut(tmp_path: Path, kept: int) -> None:
    """Wherever a kill tore the file, what is left are whole rows, and new rows follow them."""
    with Journal(tmp_path / "j", MINE) as journal:
        journal.append(b"one\ntwo\n")
    data = (tmp_path / "j").read_bytes()[:kept]
    (tmp_path / "j").write_bytes(data)
    with Journal(tmp_path / "j", MINE) as journal:
        journal.append(b"new\n")
    assert (tmp_path / "j").read_bytes() == b"one\ntwo\n"[: kept - kept % 4] + b"new\n"


def test_rows_of_another_run_are_refused(tmp_path: Path) -> None:
    """The error names what differs, and the rows stay as they were."""
    with Journal(tmp_path / "j", MINE) as journal:
        journal.append(b"one\n")
    with pytest.raises(RequestError, match="check_digest") as refused:
        Journal(tmp_path / "j", {**MINE, "check_digest": "d2"})
    assert refused.value.code == "scores_belong_elsewhere"
    assert (tmp_path / "j").read_bytes() == b"one\n"
    assert read_claim(tmp_path / "j") == MINE


def test_rows_of_nobody_knows_which_run_are_refused(tmp_path: Path) -> None:
    """A file with rows but without a claim is somebody else's."""
    (tmp_path / "j").write_bytes(b"one\n")
    with pytest.raises(RequestError, match="nothing says which"):
        Journal(tmp_path / "j", MINE)


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    """The second writer is told; once the first is done, it may write."""
    with Journal(tmp_path / "j", MINE), pytest.raises(Conflict) as refused:
        Journal(tmp_path / "j", MINE)
    assert refused.value.code == "run_in_progress"
    Journal(tmp_path / "j", MINE).close()


def test_a_full_disk_leaves_earlier_rows_readable(tmp_path: Path) -> None:
    """The row that did not fit is a named error and is cut; the rows before it are there."""
    with Journal(tmp_path / "j", MINE, opened=on_full_disk) as journal:
        journal.append(b"one\n")
        with pytest.raises(StorageUnavailable) as refused:
            journal.append(b"too much\n")
    assert refused.value.code == "scores_not_written"
    assert (tmp_path / "j").read_bytes().startswith(b"one\n")
    with Journal(tmp_path / "j", MINE) as journal:
        assert journal.kept == b"one\n"


def test_cutting_a_torn_row_needs_no_room(tmp_path: Path) -> None:
    """A disk that is still full when the run is gone on with costs none of the earlier rows."""
    with Journal(tmp_path / "j", MINE) as journal:
        journal.append(b"first row\nsecond row\ntorn")
    with Journal(tmp_path / "j", MINE, opened=on_full_disk) as journal:
        assert journal.kept == b"first row\nsecond row\n"
    assert (tmp_path / "j").read_bytes() == b"first row\nsecond row\n"


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """A journal may hold templates of faces, so nobody else gets at it."""
    Journal(tmp_path / "j", MINE).close()
    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600


def test_deleting_leaves_nothing(tmp_path: Path) -> None:
    """Neither rows nor claim are left."""
    journal = Journal(tmp_path / "j", MINE)
    journal.append(b"one\n")
    journal.delete()
    assert not list(tmp_path.iterdir())
    assert not claim_path(tmp_path / "j").exists()
