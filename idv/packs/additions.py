"""Adds a model of one's own to the repository: checked, copied, its digest written into card and lock."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from idv.domain.errors import ModelError
from idv.packs.cache import write_atomically
from idv.packs.cards import ModelCard, card_path, read_card
from idv.packs.inspection import check_against_card, inspect_onnx
from idv.packs.lock import Lock, LockedModel, Source, SourceKind
from idv.packs.lock_files import lock_path, read_lock, write_lock
from idv.packs.triton import config_path, triton_config

REPOSITORY_SOURCE = Source("repository", SourceKind.REPOSITORY)


def add_model(
    repository: Path, file: Path, card: Path, *, pack: str, replace_digest: bool = False
) -> LockedModel:
    """Put `file` at `<repository>/<name>/1/model.onnx`, card and Triton config beside it; lock it in `pack`.

    The pack is made when there is none of that name; a model that the pack has already is replaced. Calling
    it with the files that are in the repository already only writes the digests: so a model that was trained
    again is locked. Raises ModelError: what inspection refuses, `model_card_invalid`, `model_card_mismatch`,
    and `model_digest_mismatch` when the card states another digest and `replace_digest` is not given.
    """
    described = read_card(card)
    data = _bytes(file)
    check_against_card(inspect_onnx(data), described)
    sha256 = hashlib.sha256(data).hexdigest()
    if described.sha256 not in ("", sha256) and not replace_digest:
        raise ModelError(
            "model_digest_mismatch",
            f"{file.name} has SHA-256 {sha256}, its card says {described.sha256}; "
            "with --replace the card is changed",
        )
    lock = _lock(repository, pack)
    text = _with_digest(card.read_text(encoding="utf-8"), sha256, len(data))
    member = f"{described.name}/1/model.onnx"
    _write_unless_same(repository / member, data)
    _write_unless_same(card_path(repository, described.name), text.encode())
    _write_unless_same(config_path(repository, described.name), triton_config(described).encode())
    locked = _locked(described, member, sha256, len(data))
    write_lock(repository, _with_model(lock, locked))
    return locked


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError("model_source_missing", f"{file} cannot be read: {error.strerror}") from error


def _lock(repository: Path, pack: str) -> Lock:
    if lock_path(repository, pack).is_file():
        return read_lock(repository, pack)
    return Lock(pack, f"Models of one's own, added with `idv models add --pack {pack}`.", (), ())


def _locked(card: ModelCard, member: str, sha256: str, size: int) -> LockedModel:
    return LockedModel(
        name=card.name,
        source=REPOSITORY_SOURCE.id,
        members=(member,),
        licence=card.licence,
        commercial_use=card.commercial_use,
        sha256=sha256,
        size=size,
    )


def _with_model(lock: Lock, model: LockedModel) -> Lock:
    """The lock with this model in the place of its namesake, or last; sources nobody uses any more go."""
    names = [existing.name for existing in lock.models]
    models: Sequence[LockedModel] = (
        [model if existing.name == model.name else existing for existing in lock.models]
        if model.name in names
        else [*lock.models, model]
    )
    used = {existing.source for existing in models}
    sources = [source for source in lock.sources if source.id in used - {REPOSITORY_SOURCE.id}]
    return replace(lock, sources=(*sources, REPOSITORY_SOURCE), models=tuple(models))


def _with_digest(card: str, sha256: str, size: int) -> str:
    """The card's text with its digest and size set; everything else, comments included, stays as it is."""
    head = re.split(r"(?m)^\[", card, maxsplit=1)[0]
    rest = card[len(head) :]
    for key, value in (("size", str(size)), ("sha256", f'"{sha256}"')):
        line = f"{key} = {value}\n"
        head, found = re.subn(rf"(?m)^{key}\s*=.*\n", line, head, count=1)
        if not found:
            head = re.sub(r"(?m)^(name\s*=.*\n)", rf"\1{line}", head, count=1)
    return head + rest


def _write_unless_same(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data)
