from pathlib import Path

import pytest

from idv.cli.pages import write_page
from idv.domain.errors import StorageUnavailable


def test_a_page_is_written_into_a_new_folder(tmp_path: Path) -> None:
    """Nobody has to make the folder first."""
    write_page(tmp_path / "out" / "page.html", "é")
    assert (tmp_path / "out" / "page.html").read_text(encoding="utf-8") == "é"


def test_a_page_that_cannot_be_written_is_a_named_error(tmp_path: Path) -> None:
    """A file where a folder is needed refuses, by name."""
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(StorageUnavailable) as refused:
        write_page(tmp_path / "out" / "page.html", "x")
    assert refused.value.code == "page_not_written"
