"""Writes the pages that commands make for people: the folder is made, and a refusal has a name."""

from pathlib import Path

from idv.domain.errors import StorageUnavailable


def write_page(path: Path, text: str) -> None:
    """Write text, in a new folder if need be. Raises StorageUnavailable `page_not_written`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageUnavailable(
            "page_not_written", f"{path} cannot be written ({type(error).__name__})"
        ) from error
