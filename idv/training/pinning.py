"""Pins a newly trained network in its pack's lock, so that nothing else is loaded in its place."""

import dataclasses
import hashlib
from pathlib import Path

from idv.packs.lock import CommercialUse, LockedModel, Source, SourceKind
from idv.packs.lock_files import read_lock, write_lock

_SOURCE = Source(id="repository", kind=SourceKind.REPOSITORY)


def pin(repository: Path, name: str, *, pack: str = "open") -> None:
    """Write the digest of the own model `name` into the lock of `pack`.

    `repository`: the folder of locks and cards. Own weights are made from research data: not for commercial
    use. Raises ModelError for a lock that is absent or invalid.
    """
    lock = read_lock(repository, pack)
    model = repository / name / "1" / "model.onnx"
    data = model.read_bytes()
    pinned = LockedModel(
        name=name,
        source=_SOURCE.id,
        members=(model.relative_to(repository).as_posix(),),
        licence="Apache-2.0",
        commercial_use=CommercialUse.NO,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )
    others = tuple(known for known in lock.models if known.name != pinned.name)
    sources = lock.sources if _SOURCE in lock.sources else (*lock.sources, _SOURCE)
    write_lock(repository, dataclasses.replace(lock, sources=sources, models=(*others, pinned)))
